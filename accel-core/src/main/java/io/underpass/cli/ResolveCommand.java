/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.cli;

import io.underpass.protocol.GroupWish;
import io.underpass.protocol.PortRanges;
import io.underpass.protocol.PortView;
import io.underpass.protocol.Request;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code underpass ports resolve blue 8080}: prints the real port, for scripts and proxies. */
@Command(
    name = "resolve",
    description = "Prints the real port that stands for a port of a group.",
    mixinStandardHelpOptions = true,
    versionProvider = Main.Versions.class)
final class ResolveCommand implements Callable<Integer> {
  @Mixin private Connect connect;

  @Parameters(paramLabel = "GROUP", description = "the group's name")
  private String group;

  @Parameters(paramLabel = "PORT", description = "the port as the group knows it")
  private String port;

  @Option(names = "--udp", description = "of UDP; otherwise of TCP")
  private boolean udp;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    int number = checked();
    String protocol = udp ? "udp" : "tcp";
    List<PortView> ports = connect.ask(client -> client.ports(Request.ports(group, number)));
    for (PortView bound : ports) {
      if (bound.protocol().equals(protocol)) {
        spec.commandLine().getOut().println(bound.real());
        return 0;
      }
    }
    spec.commandLine()
        .getErr()
        .println(
            "underpass: nobody of group " + group + " has bound " + protocol + " port " + port);
    return 1;
  }

  private int checked() {
    try {
      GroupWish.name(group);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), "\"" + group + "\": " + e.getMessage(), e);
    }
    try {
      PortRanges ranges = PortRanges.parse(port);
      PortRanges.Range only = ranges.ranges().getFirst();
      if (ranges.ranges().size() == 1 && only.from() == only.to()) {
        return only.from();
      }
      throw new IllegalArgumentException("\"" + port + "\" is not one port");
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
  }
}
