/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.agent.child.Hello;
import io.underpass.protocol.ErrorCode;
import io.underpass.protocol.Reply;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Whatever is wrong at the start is one line, and the application runs. */
@Timeout(120)
class StartIT {
  private static final String PROGRAM = Hello.class.getName();

  @TempDir Path folder;
  private Path socket;

  @BeforeEach
  void letOthersIn() throws IOException {
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    socket = folder.resolve("s");
  }

  @Test
  void offSaysNothingAndDoesNothing() throws Exception {
    try (ProtocolServer helper = new ProtocolServer(socket)) {
      assertEquals(List.of(), hello(Child.agent("enabled=off,nonsense," + Child.socket(socket))));
      assertEquals(List.of(), hello("-Dunderpass.enabled=off", Child.agent(Child.socket(socket))));
      assertTrue(helper.registrations.isEmpty());
    }
  }

  @Test
  void onSaysTheSameAsAWarning() throws Exception {
    assertEquals(
        List.of(
            "underpass: WARNING: running plain: there is no helper at "
                + socket
                + "; start it: underpass helper"),
        hello(Child.agent("enabled=on," + Child.socket(socket))));
  }

  @Test
  void badOptionsAreOneLineAndTheRestApplies() throws Exception {
    try (ProtocolServer helper = new ProtocolServer(socket)) {
      List<String> errors =
          hello(Child.agent("colour=blue,flows=many,enabled=on," + Child.socket(socket)));
      assertEquals(
          List.of(
              "underpass: ignored colour=blue (unknown option; there are enabled, socket, config,"
                  + " flows, spin, pace, join, group, ports, publish, identity, required); flows=many (it is no number from 1 to 1000)"),
          errors);
      assertEquals("on", helper.registrations.take().fields().get("enabled"));
    }
  }

  @Test
  void aMissingSettingsFileIsOneLine() throws Exception {
    try (ProtocolServer helper = new ProtocolServer(socket)) {
      List<String> errors =
          hello(Child.agent("config=" + folder + "/none.properties," + Child.socket(socket)));
      assertEquals(1, errors.size(), errors::toString);
      assertTrue(errors.get(0).contains("none.properties"), errors::toString);
      assertEquals(1, helper.registrations.size());
    }
  }

  @Test
  void theSettingsFileIsRead() throws Exception {
    try (ProtocolServer helper = new ProtocolServer(socket)) {
      Path file = Files.writeString(folder.resolve("a.properties"), Child.socket(socket));
      assertEquals(List.of(), hello("-Dunderpass.config=" + file, Child.agent("")));
      assertEquals(1, helper.registrations.size());
    }
  }

  @Test
  void aRefusalIsOneLineWithTheHelpersReason() throws Exception {
    try (ProtocolServer helper = new ProtocolServer(socket)) {
      helper.toRegister = Reply.error(ErrorCode.DENIED, "uid 0 may not register");
      assertEquals(
          List.of(
              "underpass: running plain: the helper refused (uid 0 may not register);"
                  + " admit this user in the helper's policy file"),
          hello(Child.agent(Child.socket(socket))));
    }
  }

  @Test
  void aHelperOfAnotherVersionIsOneLine() throws Exception {
    try (ProtocolServer helper = new ProtocolServer(socket)) {
      helper.toRegister = Reply.error(ErrorCode.PROTO, "protocol 1 is not spoken here, 2 is");
      List<String> errors = hello(Child.agent(Child.socket(socket)));
      assertEquals(1, errors.size(), errors::toString);
      assertTrue(
          errors.get(0).endsWith("run the agent and the helper of one release"), errors::toString);
    }
  }

  @Test
  void aHelperThatDoesNotAnswerIsOneLine() throws Exception {
    try (ProtocolServer helper = new ProtocolServer(socket)) {
      helper.silent = true;
      List<String> errors = hello(Child.agent(Child.socket(socket)));
      assertEquals(1, errors.size(), errors::toString);
      assertTrue(errors.get(0).contains("no answer from the helper"), errors::toString);
    }
  }

  @Test
  void aHelperThatTalksNonsenseIsOneLine() throws Exception {
    try (ProtocolServer helper = new ProtocolServer(socket)) {
      helper.toRegister = Reply.ok(java.util.Map.of("hello", "world"));
      List<String> errors = hello(Child.agent(Child.socket(socket)));
      assertEquals(1, errors.size(), errors::toString);
      assertTrue(errors.get(0).contains("helper is missing"), errors::toString);
    }
  }

  /** Its answers would be to other questions: the kernel's own options, that change the socket. */
  @Test
  void aHelperThatNamesAnotherLevelIsNotBelieved() throws Exception {
    int solSocket = 1;
    try (ProtocolServer helper = new ProtocolServer(socket, solSocket)) {
      assertEquals(
          List.of(
              "underpass: running plain: the helper at "
                  + socket
                  + " names level 1 for socket options, and not 30064; run the agent and the helper"
                  + " of one release"),
          hello(Child.agent(Child.socket(socket))));
      assertEquals(1, helper.registrations.size());
    }
  }

  @Test
  void whatTheHelperSaysStaysOnOneLineAndMovesNoCursor() throws Exception {
    try (ProtocolServer helper = new ProtocolServer(socket)) {
      helper.toRegister =
          Reply.error(
              ErrorCode.INTERNAL,
              "\u001b]0;owned\u0007\r\nunderpass: \u202ewoken\u2028" + "x".repeat(3000));
      List<String> errors = hello(Child.agent(Child.socket(socket)));
      assertEquals(1, errors.size(), errors::toString);
      String said = errors.get(0);
      assertTrue(
          said.contains("(?]0;owned???underpass: ?woken?xxx") && said.endsWith("helper's output"),
          said);
      assertTrue(said.length() < 1200 && said.matches("\\p{ASCII}+"), said);
    }
  }

  @Test
  void aSocketThatTheUserMayNotOpenIsOneLine() throws Exception {
    try (ProtocolServer helper = new ProtocolServer(socket)) {
      Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-rw----"));
      Child.Result result = Child.runUnprivileged(Child.agent(Child.socket(socket)), PROGRAM, "0");
      assertEquals(
          List.of(
              "underpass: running plain: this user may not open "
                  + socket
                  + "; add the user to the group that owns the socket"),
          result.err());
      Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
      assertEquals(
          result.err(),
          Child.runUnprivileged(Child.agent(Child.socket(socket)), PROGRAM, "0").err());
      assertTrue(helper.registrations.isEmpty());
    }
  }

  @Test
  void whatIsNoSocketIsOneLine() throws Exception {
    Files.writeString(socket, "");
    assertEquals(
        List.of(
            "underpass: running plain: "
                + socket
                + " is not a socket; let the option socket name the helper's socket"),
        hello(Child.agent(Child.socket(socket))));
  }

  @Test
  void theFlagGivenTwiceStartsOnce() throws Exception {
    try (ProtocolServer helper = new ProtocolServer(socket)) {
      String flag = Child.agent(Child.socket(socket));
      assertEquals(List.of(), hello(flag, flag));
      assertEquals(1, helper.registrations.size());
    }
  }

  @Test
  void theJarOnTheClassPathChangesNothing() throws Exception {
    try (ProtocolServer helper = new ProtocolServer(socket)) {
      String classes = Child.FOLDER.resolve("classes") + ":" + Child.JAR;
      assertEquals(List.of(), hello("-cp", classes, Child.agent(Child.socket(socket))));
      assertEquals(1, helper.registrations.size());
    }
  }

  @Test
  void aJvmWithoutJmxStarts() throws Exception {
    try (ProtocolServer helper = new ProtocolServer(socket)) {
      List<String> errors =
          hello("--limit-modules", "java.base,java.instrument", Child.agent(Child.socket(socket)));
      assertEquals(List.of(), errors);
      assertEquals(1, helper.registrations.size());
    }
  }

  /** Runs the program, which has to do its work, and returns what is on standard error. */
  private static List<String> hello(String... flags) throws Exception {
    String[] arguments = java.util.Arrays.copyOf(flags, flags.length + 2);
    arguments[flags.length] = PROGRAM;
    arguments[flags.length + 1] = "42";
    Child.Result result = Child.run(arguments);
    assertEquals(List.of("hello"), result.out(), result::toString);
    assertEquals(42, result.code());
    return result.err();
  }
}
