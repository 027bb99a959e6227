/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.underpass.testing.KernelTest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code underpass doctor}, and the other commands' {@code --json}, as processes. */
@KernelTest
@Timeout(120)
class DoctorTest {
  private static final Path PINS = Path.of("/sys/fs/bpf/underpass-doctor");

  @TempDir private Path folder;

  @Test
  void withoutAHelperItTriesTheKernelItselfAndFailsForTheHelper() throws Exception {
    CommandLineProcess.Result result = doctor(new CommandLineProcess());
    assertEquals(1, result.exit(), result.err());
    Map<String, JsonNode> findings = findings(result.out());
    for (String fine :
        new String[] {"jdk", "privilege", "btf", "cgroup", "files", "libbpf", "policy", "kinds"}) {
      assertEquals("OK", findings.get(fine).get("result").asText(), findings.get(fine)::toString);
    }
    assertEquals("OK", findings.get("probe order").get("result").asText());
    assertEquals("FAIL", findings.get("helper").get("result").asText());
    assertEquals(
        "start it, as root: underpass helper", findings.get("helper").get("remedy").asText());
    assertEquals("nothing is left over", findings.get("pins").get("reason").asText());
    assertFalse(Files.exists(PINS), "it changes nothing");
  }

  @Test
  void withAHelperAllIsWellAndWhatAKilledOneLeftIsNamed() throws Exception {
    Process helper =
        CommandLineProcess.asHelper()
            .start(folder.resolve("err"), "helper", "--socket", socket(), "--pin-dir", PINS);
    try {
      assertTrue(
          helper.inputReader(StandardCharsets.UTF_8).readLine().startsWith("underpass: helper"));
      CommandLineProcess.Result plain =
          new CommandLineProcess().run("doctor", "--socket", socket(), "--pin-dir", PINS);
      assertEquals(0, plain.exit(), plain.out());
      assertTrue(
          plain.out().contains("OK    kinds: the kernel takes programs of every kind"),
          plain.out());
      assertTrue(
          plain.out().contains("OK    helper privileges: user 0, with what it needs and no more\n"),
          plain.out());
      assertTrue(plain.out().contains("OK    probe un-enrolment: ok\n"), plain.out());
      JsonNode status =
          json(new CommandLineProcess().run("status", "--socket", socket(), "--json"));
      assertEquals(helper.pid(), status.get("pid").asLong());
      assertEquals("enrolment", status.get("probes").get(0).get("name").asText());
      assertEquals("ok", status.get("probes").get(0).get("outcome").asText());
      JsonNode flows = json(new CommandLineProcess().run("flows", "--socket", socket(), "--json"));
      assertTrue(flows.isArray());
      helper.destroyForcibly().waitFor();
      Map<String, JsonNode> findings = findings(doctor(new CommandLineProcess()).out());
      assertEquals("WARN", findings.get("pins").get("result").asText());
      assertTrue(findings.get("pins").get("remedy").asText().endsWith(": underpass drain"));
    } finally {
      helper.destroyForcibly().waitFor();
      CommandLineProcess.Result drain =
          new CommandLineProcess().run("drain", "--socket", socket(), "--pin-dir", PINS);
      assertEquals(0, drain.exit(), drain.err());
    }
    assertFalse(Files.exists(PINS), "pins are left");
  }

  @Test
  void anOrdinaryUserIsToldWhatHeCannotSee() throws Exception {
    CommandLineProcess.Result result = doctor(CommandLineProcess.asNobody(folder));
    Map<String, JsonNode> findings = findings(result.out());
    assertEquals(1, result.exit(), "there is no helper");
    assertEquals("WARN", findings.get("privilege").get("result").asText());
    for (String unseen : new String[] {"kinds", "probe", "pins"}) {
      assertEquals("WARN", findings.get(unseen).get("result").asText());
      assertTrue(findings.get(unseen).get("reason").asText().contains("cannot be"));
      assertTrue(findings.get(unseen).get("remedy").asText().startsWith("run it as root"));
    }
  }

  private CommandLineProcess.Result doctor(CommandLineProcess process) throws Exception {
    return process.run("doctor", "--json", "--socket", socket(), "--pin-dir", PINS);
  }

  private static JsonNode json(CommandLineProcess.Result result) throws IOException {
    assertEquals(0, result.exit(), result.err());
    return new JsonMapper().readTree(result.out());
  }

  private static Map<String, JsonNode> findings(String out) throws IOException {
    Map<String, JsonNode> findings = new HashMap<>();
    new JsonMapper().readTree(out).forEach(f -> findings.put(f.get("name").asText(), f));
    return findings;
  }

  private Path socket() {
    return folder.resolve("helper.sock");
  }
}
