/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.cli;

import io.underpass.Version;
import io.underpass.host.HelperException;
import io.underpass.protocol.WireException;
import java.io.EOFException;
import java.net.ConnectException;
import java.net.SocketException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help;

/** Entry point of {@code bin/underpass}. A failure is one line on stderr, and exit code 1. */
@Command(
    name = "underpass",
    description = "Accelerates the TCP sockets of JVMs that share a host.",
    mixinStandardHelpOptions = true,
    versionProvider = Main.Versions.class,
    exitCodeListHeading = "%nExit status%n",
    exitCodeList = {
      "0:The command did what it was asked.",
      "1:The command failed; one line on standard error says why.",
      "2:The command line is wrong."
    },
    subcommands = {
      HelperCommand.class,
      StatusCommand.class,
      FlowsCommand.class,
      DrainCommand.class,
      DoctorCommand.class,
      PortsCommand.class
    })
public final class Main implements Runnable {
  /** What {@code --version} prints. */
  static final class Versions implements CommandLine.IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {"underpass " + Version.VERSION};
    }
  }

  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  /** Without a command. */
  @Override
  public void run() {
    throw new CommandLine.ParameterException(
        spec.commandLine(),
        "which command? helper, status, flows, drain, doctor or ports; see underpass --help");
  }

  public static void main(String[] args) {
    System.exit(commandLine().execute(args));
  }

  static CommandLine commandLine() {
    return new CommandLine(new Main())
        .setOut(new Terminal(System.out))
        .setErr(new Terminal(System.err))
        .setColorScheme(Help.defaultColorScheme(Help.Ansi.OFF))
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setParameterExceptionHandler(
            (e, args) -> {
              e.getCommandLine().getErr().println("underpass: " + oneLine(e.getMessage()));
              return CommandLine.ExitCode.USAGE;
            })
        .setExecutionExceptionHandler(
            (e, command, result) -> {
              command.getErr().println("underpass: " + oneLine(explain(e)));
              return CommandLine.ExitCode.SOFTWARE;
            });
  }

  private static String explain(Exception e) {
    return switch (e) {
      case HelperException h -> h.getMessage();
      case WireException w -> "the helper refuses: " + w.getMessage();
      case ConnectException c ->
          "no helper is there (" + c.getMessage() + "); start it: underpass helper";
      case SocketException s ->
          "no helper is there (" + s.getMessage() + "); start it: underpass helper";
      case EOFException c -> c.getMessage();
      default -> e.toString();
    };
  }

  private static String oneLine(String text) {
    return text.replaceAll("\\s*\\R\\s*", " ");
  }
}
