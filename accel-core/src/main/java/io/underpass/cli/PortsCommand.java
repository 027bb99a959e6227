/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.cli;

import io.underpass.protocol.PortView;
import io.underpass.protocol.Request;
import io.underpass.protocol.Wire;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code underpass ports}: one line for each socket that is bound to a port of a group. */
@Command(
    name = "ports",
    description = "Shows who listens on which port of which group; to root, all.",
    mixinStandardHelpOptions = true,
    versionProvider = Main.Versions.class,
    subcommands = ResolveCommand.class)
final class PortsCommand implements Callable<Integer> {
  private static final DateTimeFormatter SINCE =
      DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss").withZone(ZoneId.systemDefault());

  @Mixin private Connect connect;
  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    List<PortView> ports = connect.ask(client -> client.ports(Request.ports(Wire.MAX_FLOWS)));
    Table table =
        new Table(
            List.of("group", ">port", ">real", "protocol", "address", ">pid", "since", "reach"));
    Instant now = Instant.now();
    for (PortView p : ports) {
      table.row(
          p.group(),
          p.virtual(),
          p.real(),
          p.protocol(),
          p.address(),
          p.pid(),
          SINCE.format(now.minus(Duration.ofMillis(p.ageMillis()))),
          p.published() ? "published" : p.confined() ? "private" : "group");
    }
    table.print(spec.commandLine().getOut());
    return 0;
  }
}
