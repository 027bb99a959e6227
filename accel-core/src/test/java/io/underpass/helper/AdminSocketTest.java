/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.helper;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.protocol.HelperClient;
import io.underpass.protocol.Status;
import io.underpass.testing.Hostile;
import io.underpass.testing.KernelTest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Who sees all, and may stop the helper: whom the kernel gives the right, and not uid 0. */
@KernelTest
@Timeout(60)
class AdminSocketTest {
  private static final int TENANT = 2001;

  @TempDir private Path folder;
  private Path program;

  @BeforeEach
  void compile() throws Exception {
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    program = Hostile.compile(folder);
  }

  private TestServer server() throws IOException {
    return new TestServer(
        folder,
        List.of("allow uid 0", "allow uid " + TENANT),
        TestServer.DEFAULT,
        new MemoryDatapath(1024, 2),
        true,
        true);
  }

  private String ask(int uid, String capabilities, Path socket, String question) throws Exception {
    try (Hostile hostile = Hostile.start(uid, capabilities, program, "ask", socket, question)) {
      return hostile.line();
    }
  }

  private static void assertStarts(String start, String line) {
    assertTrue(line.startsWith(start), line);
  }

  @Test
  void theHostsRootSeesAllAndItsSocketIsInAFolderOfItsOwn() throws Exception {
    try (TestServer server = server();
        HelperClient jvm = server.client();
        HelperClient admin = server.admin()) {
      jvm.register("on").orThrow();
      Status status = admin.status();
      assertEquals(1, status.registrations());
      assertEquals(2, status.flows());
      assertEquals(2, admin.flows(10).size());
      assertEquals("rwx------", access(server.adminSocket.getParent()));
      assertEquals("rw-------", access(server.adminSocket));
      assertStarts("ERR code=denied", ask(0, null, server.adminSocket, register()));
    }
    assertFalse(Files.exists(folder.resolve("admin")), "its folder is left");
  }

  private static String register() {
    return "REGISTER proto=1 agent=a enabled=on";
  }

  private static String access(Path file) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(file));
  }

  /** A container's root may have the folder mounted, and capabilities over its own network. */
  @Test
  void uidZeroWithoutTheCapabilityIsATenantLikeAnyOther() throws Exception {
    try (TestServer server = server();
        HelperClient jvm = server.client()) {
      jvm.register("on").orThrow();
      for (String capabilities : List.of("-all", "-all,+net_admin")) {
        for (String question : List.of("STATUS", "FLOWS limit=10", "DRAIN wait=0")) {
          String denied = ask(0, capabilities, server.adminSocket, question);
          assertStarts("ERR code=denied message=this+socket+is+for+administration", denied);
        }
        assertStarts(
            "ERR code=denied message=only+root", ask(0, "-all", server.socket, "DRAIN wait=0"));
        assertStarts("OK total=0", ask(0, capabilities, server.socket, "FLOWS limit=10"));
        String status = ask(0, capabilities, server.socket, "STATUS");
        assertTrue(status.contains(" registrations=0 flows=0 "), status);
      }
      assertStarts("OK", ask(0, null, server.adminSocket, "STATUS"));
    }
  }

  @Test
  void anotherUserSeesNothingOfOthersAndCannotOpenTheOtherSocket() throws Exception {
    try (TestServer server = server();
        HelperClient jvm = server.client()) {
      jvm.register("on").orThrow();
      String status = ask(TENANT, "-all", server.socket, "STATUS");
      assertTrue(status.contains(" registrations=0 flows=0 "), status);
      assertStarts(
          "ERR code=denied message=only+root", ask(TENANT, "-all", server.socket, "DRAIN wait=0"));
      assertStarts(
          "! connect: Permission denied", ask(TENANT, "-all", server.adminSocket, "STATUS"));
      assertStarts(
          "ERR code=denied message=the+helper%27s+policy",
          ask(2009, "-all", server.socket, "STATUS"));
    }
  }

  /** It is root there, with every capability there. */
  @Test
  void rootOfAUserNamespaceIsWhoItIsOutside() throws Exception {
    try (TestServer server = server()) {
      Files.setPosixFilePermissions(
          server.adminSocket.getParent(), PosixFilePermissions.fromString("rwxr-xr-x"));
      Files.setPosixFilePermissions(
          server.adminSocket, PosixFilePermissions.fromString("rw-rw-rw-"));
      Process inside =
          new ProcessBuilder(
                  "setpriv",
                  "--reuid=" + TENANT,
                  "--regid=" + TENANT,
                  "--clear-groups",
                  "unshare",
                  "--user",
                  "--map-root-user",
                  program.toString(),
                  "ask",
                  server.adminSocket.toString(),
                  "DRAIN wait=0")
              .redirectErrorStream(true)
              .start();
      String said = new String(inside.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertStarts("ERR code=denied message=this+socket+is+for+administration", said);
    }
  }
}
