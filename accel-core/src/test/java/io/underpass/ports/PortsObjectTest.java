/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ports;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.ffm.BpfMap;
import io.underpass.ffm.BpfObject;
import io.underpass.ffm.PortLayouts;
import io.underpass.ffm.PortLayouts.Bound;
import io.underpass.ffm.PortLayouts.Vport;
import io.underpass.kernel.BuiltObject;
import io.underpass.protocol.PortView;
import io.underpass.service.Datapath;
import io.underpass.testing.KernelTest;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The object of port groups by itself: this kernel takes every program of it, and the list is made
 * of what the programs put into {@code bound}, which here is put in by hand.
 */
@KernelTest
class PortsObjectTest {
  private static final int UDP = 17;
  private static final int TCP = 6;

  private BpfObject object;
  private BpfMap bound;
  private PortsTable table;
  private long cookies;

  @BeforeEach
  void load() throws Exception {
    object = BpfObject.open(BuiltObject.PORTS.image(), "ports");
    object.load(); // fails if the kernel refuses one program
    bound = object.map("bound");
    table = new PortsTable(bound);
  }

  @AfterEach
  void close() {
    object.close();
  }

  @Test
  void nothingIsBoundAtFirst() throws Exception {
    assertEquals(new Datapath.Ports(0, List.of()), table.list(all(1000)));
    assertEquals(0, table.count());
  }

  @Test
  void portsAreListedByGroupPortProtocolAndAge() throws Exception {
    put("green", 8080, 40001, TCP, "::", 10, 0);
    put("blue", 9090, 40002, TCP, "::", 10, 0);
    put("blue", 8080, 40003, UDP, "::ffff:127.0.0.1", 10, PortLayouts.UP_B_PRIVATE);
    put("blue", 8080, 8080, TCP, "fd00::7", 10, PortLayouts.UP_B_PUBLISHED);
    put("blue", 8080, 40004, TCP, "::", 3600, 0);

    List<PortView> ports = table.list(all(1000)).first();
    assertEquals(
        List.of(
            "blue:8080 tcp * 40004",
            "blue:8080 tcp fd00:0:0:0:0:0:0:7 8080 published",
            "blue:8080 udp 127.0.0.1 40003 confined",
            "blue:9090 tcp * 40002",
            "green:8080 tcp * 40001"),
        ports.stream().map(PortsObjectTest::text).toList());
    assertEquals(42, ports.getFirst().pid());
    long age = ports.getFirst().ageMillis();
    assertTrue(age >= 3_600_000 && age < 3_700_000, () -> age + " ms");
    assertEquals(5, table.count());
    assertTrue(table.isAnyConfined());
  }

  @Test
  void aSocketThatIsBoundWhileTheListIsReadIsNotOlderThanNow() throws Exception {
    put("blue", 8080, 40001, TCP, "::", -60, 0);
    assertEquals(0, table.list(all(1)).first().getFirst().ageMillis());
    assertFalse(table.isAnyConfined());
  }

  @Test
  void onlyWhatIsAskedForIsToldAndNoMoreThanTheLimit() throws Exception {
    for (int i = 0; i < 5000; i++) {
      put(i % 2 == 0 ? "blue" : "green", 1000 + i, 40_000, TCP, "::", 10, 0);
    }
    assertEquals(List.of(1000, 1002, 1004), ports(all(3), 5000));
    assertEquals(List.of(1000, 1002, 1004), ports(query(4711, "", null, -1, 3), 5000));
    assertEquals(List.of(1001, 1003, 1005), ports(query(1, "green", null, -1, 3), 2500));
    assertEquals(List.of(1002), ports(query(4711, "", "blue", 1002, 3), 1));
    assertEquals(List.of(), ports(query(4711, "", "green", 1002, 3), 0));
    assertEquals(List.of(), ports(query(4711, "", null, 0, 3), 0));
    assertEquals(List.of(), ports(query(1, "", null, -1, 3), 0));
  }

  private List<Integer> ports(Datapath.PortQuery query, int total) throws Exception {
    Datapath.Ports ports = table.list(query);
    assertEquals(total, ports.total());
    return ports.first().stream().map(PortView::virtual).toList();
  }

  private static Datapath.PortQuery all(int limit) {
    return new Datapath.PortQuery(true, 0, "", null, -1, limit);
  }

  private static Datapath.PortQuery query(int uid, String own, String group, int port, int limit) {
    return new Datapath.PortQuery(false, uid, own, group, port, limit);
  }

  private static String text(PortView p) {
    return "%s:%d %s %s %d".formatted(p.group(), p.virtual(), p.protocol(), p.address(), p.real())
        + (p.published() ? " published" : "")
        + (p.confined() ? " confined" : "");
  }

  private void put(
      String group, int port, int real, int protocol, String address, int seconds, int flags)
      throws Exception {
    ByteBuffer row = bound.newValue();
    row.put(Bound.KEY + Vport.GROUP, group.getBytes(StandardCharsets.US_ASCII));
    row.putShort(Bound.KEY + Vport.PORT, (short) port);
    row.put(Bound.KEY + Vport.PROTOCOL, (byte) protocol);
    byte[] bytes = InetAddress.ofLiteral(address).getAddress();
    if (bytes.length == 4) {
      row.put(Bound.ADDR + 10, new byte[] {-1, -1}).put(Bound.ADDR + 12, bytes);
    } else {
      row.put(Bound.ADDR, bytes);
    }
    row.putLong(Bound.SINCE_NS, System.nanoTime() - TimeUnit.SECONDS.toNanos(seconds));
    row.putInt(Bound.TGID, 42).putInt(Bound.UID, 4711);
    row.putShort(Bound.REAL, (short) real).put(Bound.FLAGS, (byte) flags);
    assertTrue(bound.update(bound.newKey().putLong(0, ++cookies), row, BpfMap.NO_EXIST));
  }
}
