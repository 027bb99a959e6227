/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.agent.child.Hello;
import io.underpass.agent.child.Server;
import io.underpass.protocol.ErrorCode;
import io.underpass.protocol.Reply;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A JDK that lacks one member of those that the repairs are woven into. The JDK is whole here: it
 * is the agent's jar that looks for a member of another name.
 */
@Timeout(120)
class WithoutRepairIT {
  @TempDir Path folder;

  /** Class and method of each repair, as this JDK has them. */
  @ParameterizedTest
  @CsvSource({
    "NioSocketImpl, connect",
    "NioSocketImpl, accept",
    "NioSocketImpl, available",
    "NioSocketImpl, sendUrgentData",
    "SocketChannelImpl, endConnect",
    "SocketChannelImpl, endFinishConnect",
    "SocketChannelImpl, available",
    "SocketChannelImpl, sendOutOfBandData",
    "UnixAsynchronousSocketChannelImpl, setConnected",
    "SocketDispatcher, read",
    "SocketDispatcher, readv",
    "SocketDispatcher, write",
    "SocketDispatcher, writev",
    "FileDispatcherImpl, transferTo",
    "UnixDispatcher, close",
    "UnixDispatcher, implPreClose"
  })
  void aJvmWithoutOneRepairIsNotRegistered(String type, String method) throws Exception {
    assertPlain(Jdk.current(), type, method);
  }

  static List<Arguments> placesOfTheOldest() {
    return List.of(
        Arguments.of("SocketDispatcher", "close"),
        Arguments.of("SocketDispatcher", "preClose"),
        Arguments.of("FileChannelImpl", "transferToDirectlyInternal"));
  }

  @ParameterizedTest
  @MethodSource("placesOfTheOldest")
  void norIsOneOfTheOldestJdk(String type, String method) throws Exception {
    assertPlain(Jdk.oldest(), type, method);
  }

  private void assertPlain(Jdk jdk, String type, String method) throws Exception {
    String jar = AgentJar.thatMisses(folder, method);
    Path socket = folder.resolve("s");
    try (ProtocolServer helper = new ProtocolServer(socket);
        Child child =
            Child.start(jdk, "-javaagent:" + jar + "=socket=" + socket, Server.class.getName())) {
      assertEquals("ready", child.line());
      List<String> jmx = child.ask("jmx");
      assertTrue(helper.registrations.isEmpty());
      assertTrue(jmx.contains("State=plain"), jmx::toString);
      String reason =
          jmx.stream().filter(line -> line.startsWith("Reason=")).findFirst().orElseThrow();
      String named = " has no no" + method + "("; // maybe in another class, of two that have it
      assertTrue(reason.startsWith("Reason=this JDK is not as expected: sun.nio.ch."), reason);
      assertTrue(reason.contains(named), reason);
      String place = "sun.nio.ch." + type + named;
      assertTrue(
          jmx.stream().anyMatch(l -> l.startsWith("NotInstrumented=") && l.contains(place)),
          jmx::toString);
      assertTrue(jmx.contains("SuppressedErrors=0"), jmx::toString);
      List<String> errors = child.errors();
      assertEquals(1, errors.size(), errors::toString);
      assertTrue(errors.get(0).startsWith("underpass: running plain: this JDK"), errors::toString);
      assertTrue(errors.get(0).contains(named), errors::toString);
      child.send("exchange");
      assertEquals("got 2", child.line());
    }
  }

  /** What the repairs do without is named, and the JVM is accelerated. */
  @Test
  void aJvmWithoutWhatIsNoRepairIsRegistered() throws Exception {
    String jar = AgentJar.thatMisses(folder, "doSelect");
    Path socket = folder.resolve("s");
    try (ProtocolServer helper = new ProtocolServer(socket)) {
      Child.Result result =
          Child.run("-javaagent:" + jar + "=socket=" + socket, Hello.class.getName(), "0");
      assertEquals(List.of(), result.err());
      assertEquals(1, helper.registrations.size());
    }
  }

  /** Port groups need no repair. */
  @Test
  void aJvmWithoutARepairHasItsPortGroup() throws Exception {
    String jar = AgentJar.thatMisses(folder, "implPreClose");
    Path socket = folder.resolve("s");
    try (ProtocolServer helper = new ProtocolServer(socket);
        Child child =
            Child.start(
                "-javaagent:" + jar + "=group=blue!,socket=" + socket, Server.class.getName())) {
      assertEquals("ready", child.line());
      assertEquals("ports", helper.registrations.take().fields().get("enabled"));
      assertTrue(helper.registrations.isEmpty());
      List<String> jmx = child.ask("jmx");
      assertTrue(jmx.contains("State=plain"), jmx::toString);
      assertTrue(jmx.contains("RegistrationId=0"), jmx::toString);
      assertTrue(jmx.contains("Ports.Joined=true"), jmx::toString);
      List<String> errors = child.errors();
      assertEquals(1, errors.size(), errors::toString);
      assertTrue(errors.get(0).endsWith("or another release of the agent"), errors::toString);
      assertEquals(0, helper.claims.get());
    }
  }

  @Test
  void aJvmThatRequiresItsGroupAndIsRefusedDoesNotStart() throws Exception {
    String jar = AgentJar.thatMisses(folder, "implPreClose");
    Path socket = folder.resolve("s");
    try (ProtocolServer helper = new ProtocolServer(socket)) {
      helper.toGroup = Reply.error(ErrorCode.DENIED, "group=blue: not yours");
      Child.Result result =
          Child.run(
              "-javaagent:" + jar + "=group=blue!,socket=" + socket, Hello.class.getName(), "0");
      assertEquals(1, result.code(), result::toString);
      assertTrue(
          result.err().get(0).startsWith("underpass: not started: group blue is required: "),
          result::toString);
      assertEquals(1, helper.registrations.size());
    }
  }

  /**
   * The JDK's sockets of before JDK 13 are not woven, and some JDKs can still be told to use them.
   */
  @Test
  void aJvmThatIsToldToMakeOldSocketsIsNotRegistered() throws Exception {
    Path socket = folder.resolve("s");
    String option = "-Djdk.net.usePlainSocketImpl";
    String agent = Child.agent(Child.socket(socket));
    try (ProtocolServer helper = new ProtocolServer(socket)) {
      Child.Result old = Child.run(Jdk.oldest(), option, agent, Hello.class.getName(), "0");
      assertEquals(
          List.of(
              "underpass: running plain: the option jdk.net.usePlainSocketImpl has this JVM make"
                  + " sockets that cannot be accelerated; leave it out"),
          old.err());
      assertTrue(helper.registrations.isEmpty());
      Child.Result current = Child.run(option, agent, Hello.class.getName(), "0");
      assertEquals(List.of(), current.err());
      assertEquals(1, helper.registrations.size());
    }
  }
}
