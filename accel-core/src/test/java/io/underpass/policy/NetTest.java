/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.policy;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.InetAddress;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NetTest {
  @ParameterizedTest
  @CsvSource({
    "127.20.0.0/16, 127.20.255.255, true",
    "127.20.0.0/16, 127.21.0.0, false",
    "127.20.0.7, 127.20.0.7, true",
    "127.20.0.7, 127.20.0.6, false",
    "0.0.0.0/0, 203.0.113.1, true",
    "0.0.0.0/0, ::1, false",
    "::/0, fd00::1, true",
    "::/0, 127.0.0.1, false",
    "fd00:1::/33, fd00:1:7fff::, true",
    "fd00:1::/33, fd00:1:8000::, false",
  })
  void anAddressIsInsideOrNot(String net, String address, boolean inside) {
    assertEquals(inside, Net.parse(net).contains(InetAddress.ofLiteral(address)));
  }

  @ParameterizedTest
  @CsvSource({
    "127.20.0.0/30, 2, 127.20.0.1, 127.20.0.2",
    "127.20.0.130/25, 126, 127.20.0.129, 127.20.0.254",
    "127.20.0.0/16, 1000, 127.20.0.1, 127.20.3.232",
    "fd00::/120, 254, fd00::1, fd00::fe",
    "fd00::/8, 1000, fd00::1, fd00::3e8",
  })
  void aPoolHasHosts(String net, int hosts, String first, String last) {
    Net pool = Net.parse(net);
    assertEquals(hosts, pool.hosts(1000));
    assertEquals(InetAddress.ofLiteral(first), pool.host(0));
    assertEquals(InetAddress.ofLiteral(last), pool.host(hosts - 1));
    assertTrue(pool.contains(pool.host(hosts - 1)));
  }

  @Test
  void aPoolOfOneOrTwoAddressesHasNone() {
    assertEquals(0, Net.parse("127.20.0.0/31").hosts(10));
    assertEquals(0, Net.parse("127.20.0.0/32").hosts(10));
    assertFalse(Net.parse("fd00::/128").hosts(10) > 0);
  }

  @Test
  void addressesHaveSixteenBytesInTheKernel() {
    InetAddress v4 = InetAddress.ofLiteral("127.20.0.7");
    byte[] bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, -1, 127, 20, 0, 7};
    assertArrayEquals(bytes, Net.mapped(v4));
    assertEquals(v4, Net.address(bytes));
    InetAddress v6 = InetAddress.ofLiteral("fd00::7");
    assertEquals(v6, Net.address(Net.mapped(v6)));
  }
}
