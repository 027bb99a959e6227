package io.underpass.cli;

import io.underpass.datapath.KernelSource;
import io.underpass.helper.Helper;
import io.underpass.host.Privileges;
import io.underpass.policy.Rules;
import io.underpass.protocol.HelperState;
import io.underpass.protocol.Status;
import io.underpass.service.HelperConfig;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * {@code underpass helper}: runs the helper until SIGTERM or SIGINT, then takes everything back.
 */
@Command(
    name = "helper",
    description = "Runs the privileged helper in the foreground.",
    mixinStandardHelpOptions = true,
    versionProvider = Main.Versions.class)
final class HelperCommand implements Callable<Integer> {
  @Mixin private SocketOption socket;
  @Mixin private AdminSocketOption adminSocket;
  @Mixin private PolicyOption policy;
  @Mixin private PinDirOption pinDir;

  @Option(names = "--rules", paramLabel = "FILE", description = "what is accelerated, by port")
  private Path rules;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    HelperConfig config =
        HelperConfig.defaults()
            .withSocket(socket.path())
            .withAdminSocket(adminSocket.path())
            .withPolicyFile(policy.file())
            .withRules(Rules.load(rules))
            .withBpffs(pinDir.folder());
    Helper helper = Helper.start(config, new KernelSource());
    for (String remark : Privileges.remarks()) {
      spec.commandLine().getErr().println("underpass: " + remark);
    }
    AtomicInteger exit = new AtomicInteger();
    Runtime.getRuntime().addShutdownHook(Thread.ofPlatform().unstarted(() -> stop(helper, exit)));
    spec.commandLine().getOut().println("underpass: helper ready on " + helper.socket());
    Status status = helper.status();
    if (status.state() == HelperState.REFUSED) {
      spec.commandLine().getErr().println("underpass: nothing is accelerated: " + status.reason());
    }
    helper.awaitEnd();
    // By a signal's hook, which then never lets this go on; by a drain; or because serving has
    // failed. The hook runs at the exit in any case, and closes what is not closed.
    exit.set(helper.drained() ? CommandLine.ExitCode.OK : CommandLine.ExitCode.SOFTWARE);
    return exit.get();
  }

  /** An orderly stop is a success, where the JVM would say 128 + the signal's number. */
  private static void stop(Helper helper, AtomicInteger exit) {
    int code = exit.get();
    helper.close();
    Runtime.getRuntime().halt(helper.hung() ? CommandLine.ExitCode.SOFTWARE : code);
  }
}
