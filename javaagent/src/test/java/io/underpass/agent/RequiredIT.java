/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.tools.attach.AgentInitializationException;
import com.sun.tools.attach.VirtualMachine;
import io.underpass.agent.child.Hello;
import io.underpass.agent.child.Server;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A JVM that requires its group, and does not get it, does not begin. */
@Timeout(120)
class RequiredIT {
  private static final String PROGRAM = Hello.class.getName();

  @TempDir Path folder;
  private Path socket;

  @BeforeEach
  void nameSocket() {
    socket = folder.resolve("s");
  }

  @ParameterizedTest
  @CsvSource({"'group=blue!,'", "'group=blue,required=true,'"})
  void withoutAHelperItDoesNotStart(String options) throws Exception {
    assertNotStarted(
        "group blue is required: there is no helper at " + socket + "; start it: underpass helper",
        Child.agent(options + Child.socket(socket)));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "group=bl/ue!              | group=bl/ue! (a group's name is made of letters",
        "group=bl/ue,required=true | group=bl/ue (a group's name is made of letters",
        "required=true             | required=true (there is no valid group)",
        "group=blue,required=maybe | required=maybe (it is neither true nor false)",
        "group=blue!,ports=http    | ports=http (",
        "group=blue!,nonsense      | nonsense (it is no key=value)",
      })
  void withOptionsThatAreNotValidItDoesNotStart(String options, String named) throws Exception {
    try (ProtocolServer helper = new ProtocolServer(socket)) {
      Child.Result result =
          Child.run(Child.agent(options + "," + Child.socket(socket)), PROGRAM, "0");
      assertEquals(1, result.code(), result::toString);
      assertEquals(List.of(), result.out());
      assertEquals(1, result.err().size(), result::toString);
      String said = result.err().get(0);
      assertTrue(
          said.startsWith(
              "underpass: not started: a group is required, and of the options these are not valid: "
                  + named),
          said);
      assertTrue(helper.registrations.isEmpty());
    }
  }

  @Test
  void anAgentThatIsSwitchedOffDoesNotGetIt() throws Exception {
    assertNotStarted("group blue is required: enabled=off", Child.agent("enabled=off,group=blue!"));
  }

  @Test
  void anAgentThatFailsDoesNotGetIt() throws Exception {
    Path broken = Files.copy(Child.JAR, folder.resolve("broken.jar"));
    try (FileSystem jar = FileSystems.newFileSystem(broken)) {
      Files.delete(jar.getPath("io/underpass/agent/boot/Boot.class"));
    }
    String reason =
        "the agent failed to start (java.lang.ClassNotFoundException: io.underpass.agent.boot.Boot);"
            + " leave it out, or set enabled=off, and report this";
    assertNotStarted("group blue is required: " + reason, "-javaagent:" + broken + "=group=blue!");
    Child.Result result =
        Child.run("-Dunderpass.group=blue", "-javaagent:" + broken, PROGRAM, "42");
    assertEquals(42, result.code());
    assertEquals(
        List.of(
            "underpass: running plain: "
                + reason
                + "; without group blue, its ports are the host's"),
        result.err());
  }

  @Test
  void attachingIsRefusedAndTheProgramGoesOn() throws Exception {
    try (Child child = Child.start("-XX:+EnableDynamicAgentLoading", Server.class.getName())) {
      assertEquals("ready", child.line());
      VirtualMachine vm = VirtualMachine.attach(child.pid());
      try {
        assertThrows(
            AgentInitializationException.class,
            () -> vm.loadAgent(Child.JAR.toString(), "group=blue!," + Child.socket(socket)));
      } finally {
        vm.detach();
      }
      child.send("exchange");
      assertEquals("got 2", child.line());
      String said = child.errors().get(0);
      assertEquals(
          "underpass: not attached: group blue is required: there is no helper at "
              + socket
              + "; start it: underpass helper",
          said);
    }
  }

  @Test
  void whatDoesNotRequireItSaysWhoseItsPortsAre() throws Exception {
    Child.Result result =
        Child.run(Child.agent("group=blue," + Child.socket(socket)), PROGRAM, "42");
    assertEquals(42, result.code());
    assertEquals(
        List.of(
            "underpass: running plain: there is no helper at "
                + socket
                + "; start it: underpass helper; without group blue, its ports are the host's"),
        result.err());
    try (ProtocolServer _ = new ProtocolServer(socket)) {
      List<String> errors =
          Child.run(Child.agent("group=bl/ue," + Child.socket(socket)), PROGRAM, "42").err();
      assertEquals(1, errors.size(), errors::toString);
      assertTrue(
          errors.get(0).endsWith("; without a group its ports are the host's"), errors::toString);
    }
  }

  private static void assertNotStarted(String reason, String flag) throws Exception {
    Child.Result result = Child.run(flag, PROGRAM, "0");
    assertEquals(1, result.code(), result::toString);
    assertEquals(List.of(), result.out());
    assertEquals(List.of("underpass: not started: " + reason), result.err());
  }
}
