/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.policy;

import io.underpass.ffm.Accounts;
import io.underpass.host.HelperException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;

/**
 * Who may register. The file's grammar:
 *
 * <pre>
 * file = *( [ rule ] [ "#" comment ] LF )
 * rule = "allow" "uid" ( number / name )
 *      / "allow" "gid" ( number / name )     the group or one of the supplementary groups
 *      / "deny" "uid" ( number / name )      stands above every allow
 *      / ( "group" / "pool" ) ...            of port groups: see GroupRules
 *      / "trust" ...                         who is brought together: see Trust
 * </pre>
 *
 * Whoever is not allowed is refused, root too. Without a file, root and the members of the group
 * {@code underpass} are allowed, and root may use every port group.
 */
public final class Policy {
  public static final Path DEFAULT_FILE = Path.of("/etc/underpass/policy");

  /** The group whose members may open the socket and, by default, register. */
  public static final String GROUP = "underpass";

  private final Set<Integer> allowedUids = new HashSet<>();
  private final Set<Integer> allowedGids = new HashSet<>();
  private final Set<Integer> deniedUids = new HashSet<>();
  private final GroupRules portGroups = new GroupRules();
  private final Trust trust = new Trust();

  private Policy() {}

  /** Reads the file; null stands for the default file if there is one, else for the default. */
  public static Policy load(Path file) throws HelperException {
    if (file == null) {
      // A link to nowhere, or a folder that may not be entered, is no sign that there is none.
      boolean none = Files.notExists(DEFAULT_FILE, LinkOption.NOFOLLOW_LINKS);
      return none ? byDefault() : load(DEFAULT_FILE);
    }
    return parse(file.toString(), AdminFile.POLICY.lines(file));
  }

  static Policy byDefault() {
    Policy policy = new Policy();
    policy.allowedUids.add(0);
    Accounts.gid(GROUP).ifPresent(policy.allowedGids::add);
    policy.portGroups.allowRoot();
    return policy;
  }

  public static Policy parse(String name, List<String> lines) throws HelperException {
    Policy policy = new Policy();
    for (AdminRule rule : AdminRule.of(AdminFile.POLICY, name, lines)) {
      policy.add(rule);
    }
    return policy;
  }

  private void add(AdminRule rule) throws HelperException {
    String[] words = rule.words();
    if (Set.of("group", "pool", "trust").contains(words[0])) {
      GroupRules.Ids ids = (text, user) -> number(text, user, rule);
      try {
        if (words[0].equals("trust")) {
          trust.add(words, ids);
        } else {
          portGroups.add(words, ids);
        }
      } catch (IllegalArgumentException e) {
        throw rule.malformed(e.getMessage());
      }
      return;
    }
    if (words.length != 3) {
      throw rule.malformed("a rule has three words");
    }
    Set<Integer> set =
        switch (words[0] + " " + words[1]) {
          case "allow uid" -> allowedUids;
          case "allow gid" -> allowedGids;
          case "deny uid" -> deniedUids;
          default ->
              throw rule.malformed(
                  "a rule begins with allow uid, allow gid, deny uid, group, pool or trust");
        };
    boolean user = words[1].equals("uid");
    set.add(number(words[2], user, rule));
  }

  private static int number(String text, boolean user, AdminRule rule) throws HelperException {
    if (text.matches("[0-9]+")) {
      try {
        // -1 is not an id: the calls that change ids use it for "leave as it is".
        int id = Integer.parseUnsignedInt(text);
        if (id != -1) {
          return id;
        }
      } catch (NumberFormatException e) {
        // Said below.
      }
      throw rule.malformed(text + " is out of range");
    }
    OptionalInt id = user ? Accounts.uid(text) : Accounts.gid(text);
    return id.orElseThrow(
        () -> rule.malformed("there is no " + (user ? "user " : "group ") + text));
  }

  /** Whether a process with these ids may register. */
  public boolean admits(int uid, int gid, Set<Integer> groups) {
    if (deniedUids.contains(uid)) {
      return false;
    }
    return allowedUids.contains(uid)
        || allowedGids.contains(gid)
        || groups.stream().anyMatch(allowedGids::contains);
  }

  /** What it says of port groups. */
  public GroupRules portGroups() {
    return portGroups;
  }

  /** What it says of who trusts whom. */
  public Trust trust() {
    return trust;
  }

  /** Whether it allows anybody besides root and the members of {@link #GROUP}. */
  public boolean reachesBeyondGroup() {
    OptionalInt group = Accounts.gid(GROUP);
    return allowedUids.stream().anyMatch(u -> u != 0)
        || allowedGids.stream().anyMatch(g -> group.isEmpty() || g != group.getAsInt());
  }
}
