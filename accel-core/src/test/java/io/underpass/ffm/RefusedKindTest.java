/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ffm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.underpass.host.HelperException;
import io.underpass.kernel.LoadFailure;
import io.underpass.testing.KernelTest;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a load that fails says: a kind of programs, one program, or all of them. */
@KernelTest
class RefusedKindTest {
  private static final String FORBIDDEN =
      "; lift what forbids them, such as a security module's policy, or use another kernel";

  @TempDir private Path folder;

  @Test
  void aKindThatTheKernelRefusesIsNamed() throws Exception {
    byte[] image = Compiler.bpf(folder, "-DELEMENTS");
    try (BpfObject object = BpfObject.open(image, "bindings")) {
      List<RefusedKind> refused = RefusedKind.among(object.programs());
      if (refused.isEmpty()) {
        // This kernel takes it. Without a privilege it refuses this kind too, and other iterators.
        String line = loadWithout("perfmon,sys_admin", image);
        assertTrue(line.contains("kind iter/bpf_map_elem (EPERM: elements)"), line);
        return;
      }
      LoadException e = assertThrows(LoadException.class, object::load);
      assertEquals(refused, e.refused());
      assertTrue(e.rejected().isEmpty());
      assertEquals(
          "bpf_object__load: EPERM (Operation not permitted): programs are refused by their kind:"
              + " iter/bpf_map_elem (elements)",
          e.getMessage());
      assertEquals(
          "cannot start: the kernel refuses programs of kind iter/bpf_map_elem (EPERM: elements)"
              + FORBIDDEN,
          LoadFailure.explain(e).getMessage());
    }
  }

  /** The kernel asks for a privilege by the program's type, before the verifier looks. */
  @Test
  void severalKindsAreNamedWithWhatTheyAreNeededFor() throws Exception {
    String line = loadWithout("perfmon,sys_admin", Compiler.bpf(folder));
    assertTrue(line.startsWith("cannot start: the kernel refuses programs of kind iter/"), line);
    assertTrue(
        line.contains(
            "kind iter/task_file, which find the sockets that a process has open (EPERM: files)"),
        line);
    assertTrue(line.contains("kind iter/tcp"), line);
    assertTrue(line.endsWith(FORBIDDEN), line);
  }

  @Test
  void aKernelThatLoadsNothingIsNotSaidToRefuseKinds() throws Exception {
    String mode = Files.readString(Path.of("/proc/sys/kernel/unprivileged_bpf_disabled"));
    assumeFalse(mode.strip().equals("0"), "this kernel lets anybody load socket filters");
    String line = loadWithout("bpf,perfmon,sys_admin", Compiler.bpf(folder));
    assertTrue(
        line.startsWith("cannot start: the kernel does not permit bpf_object__load: EPERM"), line);
    assertTrue(line.contains("outside of containers that forbid bpf(2)"), line);
  }

  @Test
  void aProgramThatTheVerifierRejectsIsToldApart() throws Exception {
    try (BpfObject object = BpfObject.open(Compiler.bpf(folder, "-DREFUSED"), "bindings")) {
      LoadException e = assertThrows(LoadException.class, object::load);
      assertEquals(List.of(), e.refused());
      assertEquals("refused", e.rejected().orElseThrow().name());
      HelperException told = LoadFailure.explain(e);
      assertTrue(
          told.reason()
              .contains(
                  " rejects the program refused (kind sk_msg), one of those that redirect"
                      + " messages, though it takes others of that kind: bpf_object__load: EACCES"),
          told.reason());
      assertTrue(told.reason().contains("invalid mem access 'scalar'"), told.reason());
    }
  }

  /** By a process that lacks these capabilities; what {@link Loader} prints. */
  private String loadWithout(String capabilities, byte[] image) throws Exception {
    String less = "-" + capabilities.replace(",", ",-");
    List<String> command = new ArrayList<>();
    command.addAll(List.of("setpriv", "--bounding-set=" + less, "--inh-caps=" + less));
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"));
    command.addAll(List.of("--enable-native-access=ALL-UNNAMED"));
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Loader.class.getName()));
    command.add(Files.write(folder.resolve("image"), image).toString());
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), out);
    return out.strip();
  }

  /** Loads an object, and prints the line that a helper would end with. */
  static final class Loader {
    private Loader() {}

    public static void main(String[] arguments) throws Exception {
      byte[] image = Files.readAllBytes(Path.of(arguments[0]));
      try (BpfObject object = BpfObject.open(image, "bindings")) {
        object.load();
        System.out.println("loaded");
      } catch (LoadException e) {
        System.out.println(LoadFailure.explain(e).getMessage());
      }
    }
  }
}
