package io.underpass.datapath;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.InetAddress;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class LocalAddressesTest {
  @Test
  void theTrieNamesEachAddressBeforeItsKind() {
    assertEquals(
        Set.of(InetAddress.ofLiteral("127.0.0.1"), InetAddress.ofLiteral("192.0.2.7")),
        LocalAddresses.v4(
            List.of(
                "Main:",
                "  +-- 0.0.0.0/0 3 0 5",
                "     |-- 0.0.0.0",
                "        /0 universe UNICAST",
                "     +-- 127.0.0.0/8 2 0 2",
                "        |-- 127.0.0.0",
                "           /8 host LOCAL",
                "        |-- 127.0.0.1",
                "           /32 host LOCAL",
                "        |-- 127.255.255.255",
                "           /32 link BROADCAST",
                "     |-- 192.0.2.7",
                "        /32 host LOCAL")));
  }

  @Test
  void theListOfV6BeginsWithDigits() {
    assertEquals(
        Set.of(InetAddress.ofLiteral("fd00::7")),
        LocalAddresses.v6(List.of("fd000000000000000000000000000007 01 80 00 80       lo")));
  }

  @Test
  void thisProcessHasTheLoopbackAddress() {
    int pid = (int) ProcessHandle.current().pid();
    assertTrue(LocalAddresses.of(pid).contains(InetAddress.ofLiteral("127.0.0.1")));
    assertEquals(Set.of(), LocalAddresses.of(Integer.MAX_VALUE));
  }
}
