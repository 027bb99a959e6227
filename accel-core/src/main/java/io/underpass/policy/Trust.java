/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.policy;

import io.underpass.host.HelperException;
import io.underpass.protocol.GroupWish;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.zip.CRC32;

/**
 * The part of the policy that says which processes trust each other, beyond those of one user in
 * one place: only the connections between such are accelerated.
 *
 * <pre>
 * rule = "trust" "uid" 1*( number / name )   processes of these users, wherever they run
 *      / "trust" "gid" ( number / name )     those with this group, also as a supplementary one
 *      / "trust" "group" name                the members of a port group
 *      / "trust" "all"                       all that may register
 * </pre>
 *
 * Those that one line names trust each other. Each line is a bit of {@code up_jvm.domains}.
 */
public final class Trust {
  /** As many as {@code up_jvm.domains} has bits. */
  static final int MAX_LINES = Long.SIZE;

  private enum Kind {
    UID,
    GID,
    GROUP,
    ALL
  }

  private record Line(Kind kind, Set<Integer> ids, String group) {}

  private final List<Line> lines = new ArrayList<>();

  Trust() {}

  /**
   * Adds a rule, given as its words.
   *
   * @throws IllegalArgumentException saying what is wrong with it
   */
  void add(String[] words, GroupRules.Ids ids) throws HelperException {
    if (lines.size() == MAX_LINES) {
      throw new IllegalArgumentException("there are " + MAX_LINES + " lines of trust already");
    }
    String kind = words.length < 2 ? "" : words[1];
    List<String> rest = Arrays.asList(words).subList(Math.min(2, words.length), words.length);
    switch (kind) {
      case "uid" -> {
        if (rest.isEmpty()) {
          throw new IllegalArgumentException("trust uid of whom?");
        }
        Set<Integer> uids = new TreeSet<>();
        for (String user : rest) {
          uids.add(ids.number(user, true));
        }
        lines.add(new Line(Kind.UID, uids, ""));
      }
      case "gid" -> lines.add(new Line(Kind.GID, Set.of(ids.number(only(rest), false)), ""));
      case "group" -> lines.add(new Line(Kind.GROUP, Set.of(), GroupWish.name(only(rest))));
      case "all" -> {
        if (!rest.isEmpty()) {
          throw new IllegalArgumentException("nothing comes after trust all");
        }
        lines.add(new Line(Kind.ALL, Set.of(), ""));
      }
      default -> throw new IllegalArgumentException("trust is of uid, gid, group or all");
    }
  }

  private static String only(List<String> words) {
    if (words.size() != 1) {
      throw new IllegalArgumentException("one name or number comes here");
    }
    return words.getFirst();
  }

  /**
   * The bits of the lines that name a process.
   *
   * @param groups its supplementary ones
   * @param portGroup that it may join; empty for none
   */
  public long domainsOf(int uid, int gid, Set<Integer> groups, String portGroup) {
    long domains = 0;
    for (int i = 0; i < lines.size(); i++) {
      Line line = lines.get(i);
      boolean named =
          switch (line.kind) {
            case UID -> line.ids.contains(uid);
            case GID -> line.ids.contains(gid) || groups.stream().anyMatch(line.ids::contains);
            case GROUP -> line.group.equals(portGroup);
            case ALL -> true;
          };
      if (named) {
        domains |= 1L << i;
      }
    }
    return domains;
  }

  /** Differs, but for one case in four thousand million, where the lines do; 0 without lines. */
  public int digest() {
    if (lines.isEmpty()) {
      return 0;
    }
    String text = lines.stream().map(Line::toString).collect(Collectors.joining("\n"));
    CRC32 sum = new CRC32();
    sum.update(text.getBytes(StandardCharsets.UTF_8));
    return (int) sum.getValue();
  }
}
