/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ports;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.ffm.BpfMap;
import io.underpass.ffm.BpfObject;
import io.underpass.ffm.PortLayouts.Local;
import io.underpass.kernel.BuiltObject;
import io.underpass.policy.Net;
import io.underpass.testing.KernelTest;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The list of this host's addresses. */
class LocalAddressesTest {
  private static final int OWN = 4711;

  @Test
  void theKernelTellsTheAddressesOfEachInterface() throws Exception {
    Set<InetAddress> addresses = LocalAddresses.own(LocalAddresses.OWN_MOST);
    NetworkInterface loopback = NetworkInterface.getByName("lo");
    for (InetAddress address : loopback.inetAddresses().toList()) {
      InetAddress plain = InetAddress.getByAddress(address.getAddress()); // without a scope
      // Other tests give it addresses, and take them away.
      assertTrue(!plain.isLoopbackAddress() || addresses.contains(plain), addresses::toString);
    }
    assertTrue(addresses.contains(InetAddress.ofLiteral("127.0.0.1")), addresses::toString);
    assertFalse(addresses.contains(InetAddress.ofLiteral("127.0.0.0")), addresses::toString);
  }

  @Test
  void noMoreIsReadThanIsAskedFor() throws Exception {
    assertEquals(Set.of(), LocalAddresses.own(0));
    assertTrue(LocalAddresses.own(2).size() <= 2);
  }

  @Test
  @KernelTest
  void aMapThatIsFullIsSaidOnceAndNoTrouble() throws Exception {
    List<String> said = new ArrayList<>();
    try (BpfObject object = BpfObject.open(BuiltObject.PORTS.image(), "ports")) {
      object.load();
      BpfMap map = object.map("locals");
      for (int i = 0; i < map.maxEntries(); i++) {
        byte[] address = {10, 0, (byte) (i >> 8), (byte) i};
        map.update(
            map.newKey()
                .putInt(Local.NETNS_INUM, 1)
                .put(Local.ADDR, Net.mapped(InetAddress.getByAddress(address))),
            map.newValue(),
            BpfMap.ANY);
      }
      LocalAddresses locals = new LocalAddresses(map, OWN, said::add);
      LocalAddresses.Dweller here = new LocalAddresses.Dweller(OWN, 1, 0);
      boolean any = LocalAddresses.own(16).stream().anyMatch(a -> !a.isLoopbackAddress());
      locals.enter(here, List.of());
      locals.enter(here, List.of());
      assertEquals(any ? 1 : 0, said.size(), said::toString);
      // The other namespace is nobody's any more.
      locals.refresh(List.of(here), List.of());
      for (InetAddress address : LocalAddresses.own(16)) {
        assertEquals(
            !address.isLoopbackAddress(),
            map.lookup(
                map.newKey().putInt(Local.NETNS_INUM, OWN).put(Local.ADDR, Net.mapped(address)),
                map.newValue()));
      }
    }
  }
}
