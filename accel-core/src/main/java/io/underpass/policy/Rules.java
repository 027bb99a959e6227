/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.policy;

import io.underpass.ffm.Layouts;
import io.underpass.host.HelperException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What the host's administrator decides himself about connections, by the ports of their ends. The
 * file's grammar:
 *
 * <pre>
 * file  = *( [ rule ] [ "#" comment ] LF )
 * rule  = ( "plain" / "redirect" / "auto" ) "port" ports
 * ports = number [ "-" number ]                 1 to 65535, both included
 * </pre>
 *
 * @param list in the file's order; the first that names the local or the remote port of a
 *     connection counts
 */
public record Rules(List<Rule> list) {
  public static final Rules NONE = new Rules(List.of());

  private static final int MAX_PORT = 65_535;

  private static final Pattern PORTS = Pattern.compile("([0-9]{1,9})(?:-([0-9]{1,9}))?");

  /** What a rule says of the connections that it names. */
  public enum Decision {
    /** Those are taken that gain. */
    AUTO(Layouts.UP_DECIDE_AUTO),
    /** None is accelerated. */
    PLAIN(Layouts.UP_DECIDE_PLAIN),
    /** All are taken as soon as they are found, and kept. */
    REDIRECT(Layouts.UP_DECIDE_REDIRECT);

    private final int number;

    Decision(int number) {
      this.number = number;
    }

    /** The number the kernel side uses. */
    public int number() {
      return number;
    }
  }

  /** One line; {@code low} to {@code high} are ports, both included. */
  public record Rule(Decision decision, int low, int high) {}

  public Rules {
    list = List.copyOf(list);
    if (list.size() > Layouts.UP_MAX_RULES) {
      throw new IllegalArgumentException("more than " + Layouts.UP_MAX_RULES + " rules");
    }
  }

  /** Reads the file; null stands for no rules. */
  public static Rules load(Path file) throws HelperException {
    if (file == null) {
      return NONE;
    }
    return parse(file.toString(), AdminFile.RULES.lines(file));
  }

  static Rules parse(String name, List<String> lines) throws HelperException {
    List<Rule> rules = new ArrayList<>();
    for (AdminRule rule : AdminRule.of(AdminFile.RULES, name, lines)) {
      if (rules.size() == Layouts.UP_MAX_RULES) {
        throw rule.malformed("there is room for " + Layouts.UP_MAX_RULES + " rules");
      }
      rules.add(parse(rule));
    }
    return new Rules(rules);
  }

  private static Rule parse(AdminRule rule) throws HelperException {
    String[] words = rule.words();
    if (words.length != 3) {
      throw rule.malformed("a rule has three words");
    }
    Decision decision =
        switch (words[0]) {
          case "auto" -> Decision.AUTO;
          case "plain" -> Decision.PLAIN;
          case "redirect" -> Decision.REDIRECT;
          default -> throw rule.malformed("a rule begins with plain, redirect or auto");
        };
    if (!words[1].equals("port")) {
      throw rule.malformed("the second word is port");
    }
    Matcher ports = PORTS.matcher(words[2]);
    if (!ports.matches()) {
      throw rule.malformed(words[2] + " is no port and no range of ports");
    }
    int low = Integer.parseInt(ports.group(1));
    int high = ports.group(2) == null ? low : Integer.parseInt(ports.group(2));
    if (low < 1 || high > MAX_PORT) {
      throw rule.malformed("ports go from 1 to " + MAX_PORT);
    }
    if (low > high) {
      throw rule.malformed("a range begins with its lower port");
    }
    return new Rule(decision, low, high);
  }
}
