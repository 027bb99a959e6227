/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.ports;

import static io.underpass.bpf.ports.Lines.assertMatches;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.bpf.HelperFolders;
import io.underpass.ffm.BpfMap;
import io.underpass.ffm.PortLayouts;
import io.underpass.ffm.PortLayouts.Bound;
import io.underpass.ffm.PortLayouts.Vport;
import io.underpass.kernel.BuiltObject;
import io.underpass.protocol.HelperClient;
import io.underpass.protocol.PortView;
import io.underpass.protocol.Request;
import io.underpass.testing.HelperProcess;
import io.underpass.testing.KernelTest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Tenants that have as much as they can get: nobody else is kept from anything. */
@KernelTest
@Timeout(120)
class TenantQuotaTest extends HelperFolders {
  private final List<Cast> cast = new ArrayList<>();
  private final List<Tenant> tenants = new ArrayList<>();
  private Path policy;
  private Path program;
  private Path batch;

  @BeforeEach
  void makeFiles() throws Exception {
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    policy = folder.resolve("policy");
    StringBuilder lines = new StringBuilder("allow uid 0\ngroup * uid 0\n");
    for (int uid = 2001; uid <= 2005; uid++) {
      lines.append("allow uid %d\ngroup * uid %d\n".formatted(uid, uid));
    }
    Files.writeString(policy, lines);
    program = Tenant.compile(folder);
    batch = folder.resolve("batch");
  }

  @AfterEach
  void removeFiles() throws IOException {
    tenants.forEach(Tenant::kill);
    cast.forEach(Cast::kill);
    for (Path file : List.of(policy, program, batch)) {
      Files.deleteIfExists(file);
    }
  }

  @Test
  void portsOfAUserAndOfAGroupHaveABoundOfTheirOwn() throws Exception {
    Files.writeString(batch, "link set lo up\n");
    try (HelperProcess helper = new HelperProcess(socket, pins, policy)) {
      // In namespaces of their own, so that the kernel has ports enough.
      String full = ": No buffer space available";
      for (int uid = 2001; uid <= 2004; uid++) {
        assertEquals("bound " + PortLayouts.UP_BOUND_BY_UID + full, fill(uid, "blue"));
      }
      assertEquals("bound 0" + full, fill(2001, "green"));
      assertEquals("bound 0" + full, fill(2005, "blue")); // it is the group's bound
      assertEquals("bound " + PortLayouts.UP_BOUND_BY_UID + full, fill(2005, "green"));
      Cast other = member("green");
      assertEquals("127.0.0.1:7871", other.say("serve o socket 127.0.0.1 7871"));
      assertMatches("o at .*", other.say("connect socket 127.0.0.1 7871"));
      assertMatches("! .*ENOBUFS|! .*No buffer space.*", bindIn("blue"));
      tenants.forEach(Tenant::kill);
      awaitPorts(1);
      assertEquals("bound " + PortLayouts.UP_BOUND_BY_UID + full, fill(2001, "blue"));
      tenants.forEach(Tenant::kill);
      cast.forEach(Cast::kill);
      awaitPorts(0);
      List<String> said = helper.stopAndListen();
      for (String who : List.of("uid 2001 has 4096", "group blue has 16384")) {
        assertTrue(said.stream().anyMatch(line -> line.contains(who)), said::toString);
      }
    }
  }

  private String fill(int uid, String group) throws IOException {
    Tenant tenant = Tenant.inNamespace(uid, batch, program, "fill", socket, group);
    tenants.add(tenant);
    return tenant.line();
  }

  /** By root, whose bound has nothing to do with it. */
  private String bindIn(String group) throws IOException {
    return member(group).say("serve x socket 127.0.0.1 7871");
  }

  private Cast member(String group) throws IOException {
    Cast made = Cast.member(socket, group, "7871", "-", "-");
    cast.add(made);
    assertEquals("joined ", made.start);
    return made;
  }

  private void awaitPorts(int count) throws InterruptedException {
    long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    while (PortsBed.ports(socket).size() != count) {
      assertTrue(System.nanoTime() < end, "ports are left");
      Thread.sleep(20);
    }
  }

  /** In a network that the tenant has made, 9,000 addresses. */
  @Test
  void addressesOfATenantLeaveRoomForThoseOfOthers() throws Exception {
    StringBuilder lines = new StringBuilder("link set lo up\n");
    for (int i = 0; i < 9000; i++) {
      lines.append("route add local 10.7.%d.%d dev lo\n".formatted(i / 250, i % 250 + 1));
    }
    Files.writeString(batch, lines);
    try (HelperProcess helper = new HelperProcess(socket, pins, policy)) {
      Tenant tenant = Tenant.inNamespace(2001, batch, program, "exec", socket, "blue", program);
      tenants.add(tenant);
      assertEquals("member sees 7871", tenant.line());
      Cast other = member("green");
      assertEquals("127.0.0.1:7871", other.say("serve o socket 127.0.0.1 7871"));
      assertMatches("o at .*", member("green").say("connect socket 127.0.0.1 7871"));
      try (BpfMap locals = BpfMap.openPinned(BuiltObject.PORTS.pinFolder(pins).resolve("locals"))) {
        int[] count = {0};
        locals.forEachBatch((keys, _) -> count[0] += keys.limit() / locals.keyBytes());
        assertTrue(count[0] >= 512 && count[0] < 5000, () -> count[0] + " addresses");
      }
      tenants.forEach(Tenant::kill);
      cast.forEach(Cast::kill);
      awaitPorts(0);
      List<String> said = helper.stopAndListen();
      assertTrue(
          said.stream().anyMatch(l -> l.contains("uid 2001) have room for 512; the rest")),
          said::toString);
    }
  }

  /** The helper has 32 MB. */
  @Test
  void aLongListOfPortsIsToldInPart() throws Exception {
    int count = 120_000;
    try (HelperProcess helper = new HelperProcess(socket, pins, policy)) {
      Cast member = member("blue");
      try (BpfMap bound = BpfMap.openPinned(BuiltObject.PORTS.pinFolder(pins).resolve("bound"))) {
        // No tenant can have so many any more.
        ByteBuffer key = bound.newKey();
        ByteBuffer row = bound.newValue();
        row.put(Bound.KEY + Vport.GROUP, "blue".getBytes(StandardCharsets.US_ASCII));
        for (int i = 0; i < count; i++) {
          row.putShort(Bound.KEY + Vport.PORT, (short) (i % 60_000 + 1));
          bound.update(key.putLong(0, i + (1L << 48)), row, BpfMap.ANY);
        }
        try (HelperClient client = HelperClient.connect(socket, Duration.ofSeconds(20))) {
          for (int i = 0; i < 5; i++) {
            List<PortView> first = client.ports(Request.ports(2));
            assertEquals(List.of(1, 1), first.stream().map(PortView::virtual).toList());
          }
          assertEquals(1000, client.ports(Request.ports(1000)).size());
        }
        assertEquals("joined ", member("green").start);
        for (int i = 0; i < count; i++) {
          bound.delete(key.putLong(0, i + (1L << 48)));
        }
      }
      member.kill();
      helper.stop();
    }
  }
}
