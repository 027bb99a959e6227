/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.cli;

import io.underpass.datapath.KernelSource;
import io.underpass.helper.Helper;
import io.underpass.protocol.Drained;
import io.underpass.protocol.HelperClient;
import io.underpass.protocol.HelperState;
import io.underpass.protocol.Request;
import io.underpass.protocol.Status;
import io.underpass.service.HelperConfig;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.SocketException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * {@code underpass drain}: ends the helper in good order, or finishes what one has left. Exit code
 * 0 when everything is out of the kernel, 1 when something had to stay.
 */
@Command(
    name = "drain",
    description = "Takes every flow back to TCP without loss, ends the helper, removes everything.",
    mixinStandardHelpOptions = true,
    versionProvider = Main.Versions.class,
    exitCodeListHeading = "%nExit status%n",
    exitCodeList = {
      "0:Everything is out of the kernel.",
      "1:Something had to stay; the command names it, and can be run again."
    })
final class DrainCommand implements Callable<Integer> {
  /** Between two looks at how far it is. */
  private static final Duration LOOK = Duration.ofMillis(200);

  @Mixin private Connect connect;

  /** Where an earlier helper has left its pins, if no helper runs. */
  @Mixin private PinDirOption pinDir;

  @Option(
      names = "--wait",
      paramLabel = "SECONDS",
      description = "how long readers may take to read what they have; default 30")
  private int wait = 30;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    if (wait < 0 || wait > Request.MAX_WAIT_SECONDS) {
      throw new ParameterException(
          spec.commandLine(), "--wait is a number from 0 to " + Request.MAX_WAIT_SECONDS);
    }
    PrintWriter out = spec.commandLine().getOut();
    Drained drained;
    try {
      drained = connect.ask(client -> ask(client, out));
    } catch (SocketException e) {
      // ConnectException too: nobody listens, or there is no such socket.
      drained = finish();
    }
    if (drained.removed() && drained.groups() == 0) {
      out.println("every flow is back on TCP; nothing is left in the kernel");
      return 0;
    }
    if (drained.groups() > 0) {
      out.println(
          "JVMs hold "
              + drained.groups()
              + " ports and addresses of port groups, which stay pinned and work on; run it again"
              + " when those JVMs have ended");
    }
    if (drained.removed()) {
      out.println("every flow is back on TCP");
      return 1;
    }
    out.println(
        drained.left()
            + " sockets hold bytes that nobody has read: the kernel part stays pinned, paused, so"
            + " that they are not lost; run it again when they are read, or end those programs");
    drained.held().forEach(out::println);
    return 1;
  }

  /** Prints how far it is while the helper drains: over a second connection, which it serves. */
  private Drained ask(HelperClient client, PrintWriter out) throws IOException {
    Thread progress =
        Thread.ofPlatform()
            .daemon()
            .name("underpass-progress")
            .start(
                () -> {
                  try (HelperClient second = connect.openAdmin()) {
                    String last = "";
                    while (true) {
                      Thread.sleep(LOOK);
                      Status status = second.status();
                      if (status.state() != HelperState.RUNNING && !status.reason().equals(last)) {
                        last = status.reason();
                        out.println(last);
                        out.flush();
                      }
                    }
                  } catch (IOException | InterruptedException e) {
                    // It has ended, or the drain has: the other connection says how.
                  }
                });
    try {
      return client.drain(wait);
    } finally {
      progress.interrupt();
      awaitEnd(progress);
    }
  }

  private static void awaitEnd(Thread thread) {
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private Drained finish() throws IOException {
    HelperConfig config = HelperConfig.defaults().withBpffs(pinDir.folder());
    Optional<Drained> drained =
        Helper.drainLeft(config, new KernelSource(), Duration.ofSeconds(wait));
    if (drained.isEmpty()) {
      spec.commandLine().getOut().println("no helper is there, and none has left anything");
      return new Drained(true, 0, 0, List.of());
    }
    return drained.get();
  }
}
