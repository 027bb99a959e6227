/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.datapath.KernelSource;
import io.underpass.ffm.Errno;
import io.underpass.helper.Helper;
import io.underpass.service.HelperConfig;
import io.underpass.testing.Gcc;
import io.underpass.testing.KernelTest;
import io.underpass.testing.Pinning;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A registration is of a program that runs, and not of what its process becomes. */
@KernelTest
@Timeout(60)
class ExecTest {
  private static final String NO_RECORD = "join " + Errno.ENOPROTOOPT;
  private static final String TENANT = "uid " + Tenants.ONE;

  private Path folder;
  private Path program;

  @BeforeEach
  void compile() throws Exception {
    folder = Tenants.newFolder();
    program = Gcc.compile("bpf/src/test/c/exec.c", folder);
  }

  @AfterEach
  void removeFolder() throws IOException {
    Files.deleteIfExists(folder.resolve("setuid"));
    Files.delete(program);
    Files.delete(folder.resolve("policy"));
    Files.delete(folder);
  }

  @Test
  void aSetuidProgramIsNotRegisteredByWhoeverStartsIt() throws Exception {
    run("after", setuid()).assertSays("uid 0", "ERR code=denied ", NO_RECORD);
  }

  @Test
  void norIsAnyOtherProgram() throws Exception {
    run("after", program).assertSays(TENANT, "ERR code=denied ", NO_RECORD);
  }

  @Test
  void aSetuidProgramDoesNotInheritARegistration() throws Exception {
    run("before", setuid()).assertSays("uid 0", "OK ", NO_RECORD);
  }

  @Test
  void anyOtherProgramDoesNotEither() throws Exception {
    run("before", program).assertSays(TENANT, "OK ", NO_RECORD);
  }

  /** So that the others do not pass for another cause. */
  @Test
  void whoStaysWhatItIsHasARecord() throws Exception {
    run("instead", program).assertSays(TENANT, "OK ", "join 0");
  }

  private Path setuid() throws IOException {
    Path copy = folder.resolve("setuid");
    Files.copy(program, copy, StandardCopyOption.REPLACE_EXISTING);
    Files.setAttribute(copy, "unix:mode", 04755);
    return copy;
  }

  /** What the helper answered, and what the program said of itself. */
  private record Told(String answer, String user, String join) {
    void assertSays(String whose, String answerBegins, String joins) {
      assertEquals(whose, user);
      assertTrue(answer.startsWith(answerBegins), answer);
      assertEquals(joins, join);
    }
  }

  private Told run(String order, Path becomes) throws Exception {
    HelperConfig config =
        HelperConfig.defaults()
            .withSocket(folder.resolve("helper.sock"))
            .withPolicyFile(Tenants.policy(folder))
            .withBpffs(Pinning.newFolder());
    // It may gain what a setuid program does: no bounding set, no no_new_privs.
    List<String> command =
        new ArrayList<>(List.of("setpriv", "--reuid=" + Tenants.ONE, "--regid=" + Tenants.ONE));
    command.addAll(List.of("--clear-groups", program.toString(), config.socket().toString()));
    command.addAll(List.of(order, becomes.toString()));
    try (Helper _ = Helper.start(config, new KernelSource())) {
      Process process =
          new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
      List<ProcessHandle> children = List.of();
      try (BufferedReader out = process.inputReader()) {
        String first = out.readLine();
        String second = out.readLine();
        children = process.descendants().toList();
        process.outputWriter().write("go\n");
        process.outputWriter().flush();
        boolean answered = second.startsWith("uid ");
        return new Told(answered ? first : second, answered ? second : first, out.readLine());
      } finally {
        children.forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly().waitFor();
      }
    }
  }
}
