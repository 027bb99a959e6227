/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.policy;

import io.underpass.host.HelperException;
import java.util.ArrayList;
import java.util.List;

/**
 * One rule of a file that the host's administrator writes: a line without its comment.
 *
 * @param file the file that has the rule
 * @param where {@code name:line}, for messages
 * @param text not blank, and without blanks around it
 */
record AdminRule(AdminFile file, String where, String text) {
  /** A message that quoted more of a rule would hide what it says about that rule. */
  private static final int MAX_SHOWN = 80;

  /** The rules among the lines of a file; {@code #} begins a comment. */
  static List<AdminRule> of(AdminFile file, String name, List<String> lines) {
    List<AdminRule> rules = new ArrayList<>();
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i);
      int comment = line.indexOf('#');
      String text = (comment < 0 ? line : line.substring(0, comment)).strip();
      if (!text.isEmpty()) {
        rules.add(new AdminRule(file, name + ":" + (i + 1), text));
      }
    }
    return rules;
  }

  String[] words() {
    return text.split("\\s+", -1);
  }

  HelperException malformed(String why) {
    String shown = text.length() > MAX_SHOWN ? text.substring(0, MAX_SHOWN) + "..." : text;
    return new HelperException(
        file.title() + " malformed at " + where + ": \"" + shown + "\" (" + why + ")",
        "correct that line");
  }
}
