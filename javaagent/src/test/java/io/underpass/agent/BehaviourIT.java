/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.agent.child.Behaviours;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A program sees the same with the agent as without it. */
@Timeout(120)
class BehaviourIT {
  private static final String PROGRAM = Behaviours.class.getName();

  private static List<String> plain;

  @TempDir Path folder;

  @BeforeAll
  static void runPlain() throws Exception {
    Child.Result result = Child.run(PROGRAM);
    assertEquals(0, result.code(), result::toString);
    plain = result.out();
    assertEquals(19, plain.size());
  }

  @BeforeEach
  void letOthersIn() throws IOException {
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  @Test
  void withoutHelper() throws Exception {
    Path socket = folder.resolve("none");
    Child.Result result = Child.run(Child.agent(Child.socket(socket)), PROGRAM, "jmx");
    assertSame(result);
    assertEquals(
        List.of(
            "underpass: running plain: there is no helper at "
                + socket
                + "; start it: underpass helper"),
        result.err());
    assertTrue(result.jmx().contains("State=plain"), result::toString);
  }

  @Test
  void withoutHelperAsAnOrdinaryUser() throws Exception {
    Path socket = folder.resolve("none");
    Child.Result result = Child.runUnprivileged(Child.agent(Child.socket(socket)), PROGRAM, "jmx");
    assertSame(result);
    assertEquals(1, result.err().size(), result::toString);
  }

  /** A JDK without virtual threads, and with its dispatchers in other places. */
  @Test
  void registeredOnTheOldestJdk() throws Exception {
    Jdk oldest = Jdk.oldest();
    Child.Result without = Child.run(oldest, PROGRAM);
    assertEquals(0, without.code(), without::toString);
    assertEquals(16, without.out().size());
    try (ProtocolServer helper = new ProtocolServer(folder.resolve("s"))) {
      Child.Result result =
          Child.run(
              oldest,
              "-XX:+UnlockDiagnosticVMOptions",
              "-XX:+BytecodeVerificationLocal",
              Child.agent(Child.socket(helper.socket())),
              PROGRAM,
              "jmx");
      assertSame(without.out(), result);
      assertEquals(List.of(), result.err());
      List<String> jmx = result.jmx();
      assertTrue(jmx.contains("State=registered"), jmx::toString);
      // 15 pairs with a listener each, one more listener, and two connections that are refused.
      assertTrue(jmx.contains("SocketsOpen=0"), jmx::toString);
      assertTrue(jmx.contains("Accepts=15"), jmx::toString);
      assertTrue(jmx.contains("Connects=15"), jmx::toString);
      assertTrue(jmx.contains("Binds=16"), jmx::toString);
      assertTrue(jmx.contains("SocketsCreated=33"), jmx::toString);
      assertTrue(jmx.contains("Closes=48"), jmx::toString);
      assertTrue(
          jmx.contains(
              "Instrumented=[java.lang.management.ManagementFactory,"
                  + "sun.nio.ch.AsynchronousServerSocketChannelImpl,"
                  + "sun.nio.ch.AsynchronousSocketChannelImpl,"
                  + "sun.nio.ch.EPollSelectorImpl,"
                  + "sun.nio.ch.FileChannelImpl,"
                  + "sun.nio.ch.NioSocketImpl,"
                  + "sun.nio.ch.ServerSocketChannelImpl,"
                  + "sun.nio.ch.SocketChannelImpl,sun.nio.ch.SocketDispatcher,"
                  + "sun.nio.ch.UnixAsynchronousSocketChannelImpl]"),
          jmx::toString);
    }
  }

  @Test
  void registeredAsAnOrdinaryUserWithNativeAccessDenied() throws Exception {
    try (ProtocolServer helper = new ProtocolServer(folder.resolve("s"))) {
      Child.Result result =
          Child.runUnprivileged(
              "--illegal-native-access=deny",
              Child.agent(Child.socket(helper.socket())),
              PROGRAM,
              "jmx");
      assertSame(result);
      assertEquals(List.of(), result.err());
      assertTrue(result.jmx().contains("State=registered"), result::toString);
      assertTrue(result.jmx().contains("RegistrationId=7"), result::toString);
      assertEquals("auto", helper.registrations.take().fields().get("enabled"));
    }
  }

  @Test
  void withTheJdksOwnClassesVerified() throws Exception {
    try (ProtocolServer helper = new ProtocolServer(folder.resolve("s"))) {
      Child.Result result =
          Child.run(
              "-XX:+UnlockDiagnosticVMOptions",
              "-XX:+BytecodeVerificationLocal",
              "-Xcheck:jni",
              Child.agent(Child.socket(helper.socket())),
              PROGRAM,
              "jmx");
      assertTrue(result.jmx().contains("SuppressedErrors=0"), result::toString);
      assertTrue(result.jmx().contains("NotInstrumented=[]"), result::toString);
      assertTrue(result.lines().containsAll(plain), result::toString);
    }
  }

  @Test
  void everySocketIsSeenFromItsCreationToItsClose() throws Exception {
    Child.Result result =
        Child.run(Child.agent(Child.socket(folder.resolve("none"))), PROGRAM, "jmx");
    List<String> jmx = result.jmx();
    assertTrue(jmx.contains("SocketsOpen=0"), jmx::toString);
    // 18 pairs with a listener each, one more listener, and two connections that are refused.
    assertTrue(jmx.contains("Accepts=18"), jmx::toString);
    assertTrue(jmx.contains("Connects=18"), jmx::toString);
    assertTrue(jmx.contains("Binds=19"), jmx::toString);
    assertTrue(jmx.contains("SocketsCreated=39"), jmx::toString);
    assertTrue(jmx.contains("Closes=57"), jmx::toString);
    assertTrue(
        jmx.contains(
            "Instrumented=[java.lang.management.ManagementFactory,"
                + "sun.nio.ch.AsynchronousServerSocketChannelImpl,"
                + "sun.nio.ch.AsynchronousSocketChannelImpl,"
                + "sun.nio.ch.EPollSelectorImpl,"
                + "sun.nio.ch.FileDispatcherImpl,"
                + "sun.nio.ch.NioSocketImpl,"
                + "sun.nio.ch.ServerSocketChannelImpl,"
                + "sun.nio.ch.SocketChannelImpl,sun.nio.ch.SocketDispatcher,"
                + "sun.nio.ch.UnixAsynchronousSocketChannelImpl,"
                + "sun.nio.ch.UnixDispatcher]"),
        jmx::toString);
  }

  private static void assertSame(Child.Result result) {
    assertSame(plain, result);
  }

  private static void assertSame(List<String> plain, Child.Result result) {
    assertEquals(0, result.code(), result::toString);
    assertEquals(plain, result.lines());
    assertTrue(result.jmx().contains("SuppressedErrors=0"), result::toString);
    assertTrue(result.jmx().contains("NotInstrumented=[]"), result::toString);
  }
}
