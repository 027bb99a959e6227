/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.cli;

import io.underpass.protocol.Failure;
import io.underpass.protocol.HelperClient;
import io.underpass.protocol.Status;
import io.underpass.protocol.UserShare;
import java.io.PrintWriter;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/**
 * {@code underpass status}: the helper's state, one {@code key value} a line, then who registered.
 */
@Command(
    name = "status",
    description = "Shows the state of the helper, and the JVMs that registered.",
    mixinStandardHelpOptions = true,
    versionProvider = Main.Versions.class)
final class StatusCommand implements Callable<Integer> {
  @Mixin private Connect connect;
  @Mixin private Json json;
  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    Status status = connect.ask(HelperClient::status);
    PrintWriter out = spec.commandLine().getOut();
    if (json.isAsked()) {
      json.print(out, status);
      return 0;
    }
    out.println("helper " + status.helper());
    out.println("state " + status.state().wireName());
    if (!status.reason().isEmpty()) {
      out.println("reason " + status.reason());
    }
    out.println("pid " + status.pid());
    out.println("uptimeSeconds " + status.uptimeSeconds());
    out.println("registrations " + status.registrations());
    out.println("flows " + status.flows());
    out.println("bpffs " + status.bpffs());
    out.println("cgroup " + status.cgroup());
    out.println("kernel " + status.kernel());
    status.probes().forEach(probe -> out.println("probe " + probe));
    if (!status.registered().isEmpty()) {
      Table table = new Table(List.of(">id", ">pid", ">uid", ">flows"));
      for (Status.Registration r : status.registered()) {
        table.row(r.id(), r.pid(), Integer.toUnsignedString(r.uid()), r.flows());
      }
      out.println();
      table.print(out);
    }
    if (!status.users().isEmpty()) {
      Table table = new Table(List.of(">uid", ">sockets", ">enrolled", ">messages", ">refused"));
      for (UserShare u : status.users()) {
        table.row(
            Integer.toUnsignedString(u.uid()),
            u.sockets(),
            u.enrolled(),
            u.messages(),
            u.refused());
      }
      out.println();
      table.print(out);
    }
    if (!status.failures().isEmpty()) {
      Table table = new Table(List.of(">count", "first", "last", "what failed"));
      for (Failure f : status.failures()) {
        table.row(f.count(), time(f.firstMillis()), time(f.lastMillis()), f.what());
      }
      out.println();
      table.print(out);
    }
    return 0;
  }

  /** To the second, in UTC. */
  private static String time(long millis) {
    return Instant.ofEpochMilli(millis).truncatedTo(ChronoUnit.SECONDS).toString();
  }
}
