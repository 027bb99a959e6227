/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.cli;

import io.underpass.Reason;
import io.underpass.protocol.FlowView;
import io.underpass.protocol.Wire;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code underpass flows}: one line a flow, most bytes first. */
@Command(
    name = "flows",
    description = "Shows the flows of registered JVMs, most bytes first; to root, those of all.",
    mixinStandardHelpOptions = true,
    versionProvider = Main.Versions.class)
final class FlowsCommand implements Callable<Integer> {
  @Mixin private Connect connect;
  @Mixin private Json json;

  @Option(
      names = "--limit",
      paramLabel = "N",
      description = "at most so many (1 to " + Wire.MAX_FLOWS + "); default: ${DEFAULT-VALUE}")
  private int limit = 100;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    if (limit < 1 || limit > Wire.MAX_FLOWS) {
      throw new ParameterException(
          spec.commandLine(), "--limit is a number from 1 to " + Wire.MAX_FLOWS);
    }
    List<FlowView> flows = connect.ask(client -> client.flows(limit));
    if (json.isAsked()) {
      json.print(spec.commandLine().getOut(), flows);
      return 0;
    }
    Table table =
        new Table(
            List.of(
                ">pid",
                "local",
                "remote",
                "state",
                "reason",
                ">age s",
                ">tx redirected",
                ">tx tcp",
                ">rx redirected",
                ">rx tcp",
                ">switches"));
    for (FlowView f : flows) {
      table.row(
          f.owner(),
          f.local(),
          f.remote(),
          f.state(),
          f.reason().wireName(),
          f.ageMillis() / 1000,
          f.tx().redirectedBytes(),
          f.tcpBytesSent(),
          f.rx().redirectedBytes(),
          f.tcpBytesReceived(),
          f.switches());
    }
    PrintWriter out = spec.commandLine().getOut();
    table.print(out);
    flows.stream()
        .map(FlowView::reason)
        .filter(r -> r != Reason.NONE)
        .distinct()
        .sorted()
        .forEach(r -> out.println(r.wireName() + ": " + r.explanation()));
    return 0;
  }
}
