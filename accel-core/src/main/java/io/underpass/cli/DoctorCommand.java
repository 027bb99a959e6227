package io.underpass.cli;

import io.underpass.datapath.KernelSource;
import io.underpass.helper.Doctor;
import io.underpass.service.HelperConfig;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code underpass doctor}: a checklist; exit code 1 if something on it stands in the way. */
@Command(
    name = "doctor",
    description = "Looks at all that acceleration depends on, and says what helps.",
    mixinStandardHelpOptions = true,
    versionProvider = Main.Versions.class,
    exitCodeListHeading = "%nExit status%n",
    exitCodeList = {
      "0:Nothing stands in the way of acceleration.",
      "1:Something does; its line begins with FAIL."
    })
final class DoctorCommand implements Callable<Integer> {
  @Mixin private SocketOption socket;
  @Mixin private PolicyOption policy;
  @Mixin private PinDirOption pinDir;
  @Mixin private Json json;
  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    List<Doctor.Finding> findings =
        Doctor.examine(
            HelperConfig.defaults()
                .withSocket(socket.path())
                .withPolicyFile(policy.file())
                .withBpffs(pinDir.folder()),
            new KernelSource());
    PrintWriter out = spec.commandLine().getOut();
    if (json.isAsked()) {
      json.print(out, findings);
    } else {
      for (Doctor.Finding f : findings) {
        out.println("%-4s  %s: %s".formatted(f.result(), f.name(), f.reason()));
        if (!f.remedy().isEmpty()) {
          out.println("      -> " + f.remedy());
        }
      }
    }
    return findings.stream().anyMatch(f -> f.result() == Doctor.Result.FAIL) ? 1 : 0;
  }
}
