/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.ports;

import static io.underpass.bpf.ports.Lines.assertMatches;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.underpass.bpf.HelperFolders;
import io.underpass.protocol.PortView;
import io.underpass.testing.HelperProcess;
import io.underpass.testing.KernelTest;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A member runs another program in its own place, one with more rights than it has too: that one is
 * nobody's member, and is not registered by who has its connection.
 */
@KernelTest
@Timeout(60)
class ExecTest extends HelperFolders {
  private static final int UID = 2001;

  private Path policy;
  private Path program;
  private Path setuid;

  @BeforeEach
  void makePrograms() throws Exception {
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    policy = folder.resolve("policy");
    Files.writeString(policy, "allow uid 0\nallow uid 2001\ngroup blue uid 2001\n");
    program = Tenant.compile(folder);
    setuid = Tenant.setuid(program);
  }

  @AfterEach
  void removePrograms() throws IOException {
    for (Path file : List.of(policy, program, setuid)) {
      Files.delete(file);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aProgramThatAMemberRunsInItsPlaceIsNoMember(boolean privileged) throws Exception {
    try (HelperProcess helper = new HelperProcess(socket, pins, policy);
        Tenant tenant = startMember(privileged)) {
      tenant.go();
      assertIsNoMember(tenant, privileged);
      assertEquals(List.of(7871), PortsBed.ports(socket).stream().map(PortView::virtual).toList());
      tenant.kill();
      helper.stop();
    }
  }

  @Test
  void itIsNoneWithoutAHelperEither() throws Exception {
    HelperProcess first = new HelperProcess(socket, pins, policy);
    try (Tenant tenant = startMember(true)) {
      first.stop(); // in good order: ports are bound, so port groups stay
      tenant.go();
      assertIsNoMember(tenant, true);
    }
    try (HelperProcess second = new HelperProcess(socket, pins, policy)) {
      second.stop();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void whoHasChangedSinceItConnectedIsNotRegistered(boolean privileged) throws Exception {
    try (HelperProcess helper = new HelperProcess(socket, pins, policy);
        Tenant tenant =
            Tenant.start(UID, program, "left", socket, "blue", privileged ? setuid : program)) {
      Set<String> said = new TreeSet<>(List.of(tenant.line(), tenant.line()));
      assertMatches(
          "\\[ERR .*denied.*, runs as " + (privileged ? 0 : UID) + "\\]", said.toString());
      tenant.go();
      assertEquals("bound 7872", tenant.line());
      assertEquals(List.of(), PortsBed.ports(socket));
      tenant.kill();
      helper.stop();
    }
  }

  private Tenant startMember(boolean privileged) throws IOException {
    Tenant tenant =
        Tenant.start(UID, program, "exec", socket, "blue", privileged ? setuid : program);
    assertEquals("member sees 7871", tenant.line());
    return tenant;
  }

  private static void assertIsNoMember(Tenant tenant, boolean privileged) throws IOException {
    assertEquals("runs as " + (privileged ? 0 : UID), tenant.line());
    tenant.go();
    assertEquals("bound 7872", tenant.line());
    assertEquals("connect: Connection refused", tenant.line());
    try (Socket host = new Socket(InetAddress.ofLiteral("127.0.0.1"), 7872)) {
      assertEquals(7872, host.getPort()); // it is the host's
    }
  }
}
