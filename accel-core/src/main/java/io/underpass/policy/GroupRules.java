/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.policy;

import io.underpass.host.HelperException;
import io.underpass.protocol.ErrorCode;
import io.underpass.protocol.GroupWish;
import io.underpass.protocol.PortRanges;
import io.underpass.protocol.WireException;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;

/**
 * The part of the policy that is about port groups: who may use which, and what in it.
 *
 * <pre>
 * rule  = "group" ( name / "*" ) ( "uid" / "gid" ) ( number / name ) *grant
 *       / "pool" address "/" length          addresses for identity=auto; several make one pool
 * grant = "low"                              ports below 1024
 *       / "publish" ports                    as the agent's option publish
 *       / "identity" ( "auto" / address [ "/" length ] )
 * </pre>
 *
 * All rules that fit a process and a group count together.
 */
public final class GroupRules {
  private static final String ANY = "*";

  private final List<Rule> rules = new ArrayList<>();
  private final List<Net> pools = new ArrayList<>();

  private record Rule(
      String group,
      boolean user,
      int id,
      boolean low,
      List<PortRanges.Range> publish,
      boolean auto,
      List<Net> identities) {}

  /**
   * Without a policy file root may use every group. Addresses that other hosts may have take a line
   * of the policy, for root too: uid 0 may be that of a container.
   */
  void allowRoot() {
    rules.add(
        new Rule(
            ANY,
            true,
            0,
            true,
            PortRanges.parse(ANY).ranges(),
            true,
            List.of(Net.parse("127.0.0.0/8"))));
  }

  /** Resolves the name or number of a user or group. */
  @FunctionalInterface
  interface Ids {
    int number(String text, boolean user) throws HelperException;
  }

  /**
   * Adds a rule, given as its words.
   *
   * @throws IllegalArgumentException saying what is wrong with it
   */
  void add(String[] words, Ids ids) throws HelperException {
    if (words[0].equals("pool")) {
      if (words.length != 2 || words[1].indexOf('/') < 0) {
        throw new IllegalArgumentException("a pool is one address/length");
      }
      pools.add(net(words[1]));
      return;
    }
    if (words.length < 4 || !(words[2].equals("uid") || words[2].equals("gid"))) {
      throw new IllegalArgumentException("group NAME is followed by uid or gid and whose");
    }
    String group = words[1].equals(ANY) ? ANY : GroupWish.name(words[1]);
    boolean user = words[2].equals("uid");
    int id = ids.number(words[3], user);
    boolean low = false;
    boolean auto = false;
    List<PortRanges.Range> publish = new ArrayList<>();
    List<Net> identities = new ArrayList<>();
    Iterator<String> grants = Arrays.asList(words).subList(4, words.length).iterator();
    while (grants.hasNext()) {
      String grant = grants.next();
      switch (grant) {
        case "low" -> low = true;
        case "publish" -> publish.addAll(PortRanges.parse(value(grants, grant)).ranges());
        case "identity" -> {
          String value = value(grants, grant);
          if (value.equals(GroupWish.AUTO)) {
            auto = true;
          } else {
            identities.add(net(value));
          }
        }
        default ->
            throw new IllegalArgumentException(
                "\"" + grant + "\" is neither low, publish nor identity");
      }
    }
    rules.add(new Rule(group, user, id, low, publish, auto, identities));
  }

  private static String value(Iterator<String> words, String grant) {
    if (!words.hasNext()) {
      throw new IllegalArgumentException(grant + " of what?");
    }
    return words.next();
  }

  private static Net net(String text) {
    try {
      return Net.parse(text);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("\"" + text + "\" is no address, nor address/length", e);
    }
  }

  public List<Net> pools() {
    return pools;
  }

  /**
   * What a process with these ids gets of its wish: the same, but {@code *} may come out smaller.
   *
   * @throws WireException with the option that is not allowed, and why
   */
  public GroupWish grant(GroupWish wish, int uid, int gid, Set<Integer> groups)
      throws WireException {
    String who = "uid " + Integer.toUnsignedString(uid);
    List<Rule> named = select(r -> r.group.equals(ANY) || r.group.equals(wish.group()));
    if (named.isEmpty()) {
      throw denied("group", wish.group(), "the policy knows no such group");
    }
    List<Rule> own =
        named.stream()
            .filter(r -> r.user ? r.id == uid : r.id == gid || groups.contains(r.id))
            .toList();
    if (own.isEmpty()) {
      throw denied("group", wish.group(), "the policy does not let " + who + " use it");
    }
    List<PortRanges.Range> publish = own.stream().flatMap(r -> r.publish.stream()).toList();
    PortRanges.Range outside = wish.publish().firstOutside(publish);
    if (outside != null) {
      String text = wish.publish().isEvery() ? "every port" : "port " + outside;
      throw denied(
          "publish", wish.publish().text(), "the policy does not let " + who + " publish " + text);
    }
    checkIdentity(own, wish.identity(), who);
    if (own.stream().anyMatch(Rule::low)) {
      return wish;
    }
    checkLow("publish", wish.publish(), who);
    if (wish.ports().isEvery()) {
      PortRanges high = wish.ports().withoutLow();
      return new GroupWish(wish.group(), high, wish.publish(), wish.identity());
    }
    checkLow("ports", wish.ports(), who);
    return wish;
  }

  private static void checkLow(String option, PortRanges ports, String who) throws WireException {
    PortRanges.Range low = ports.firstLow();
    if (low != null) {
      throw denied(
          option,
          ports.text(),
          "the policy does not let "
              + who
              + " bind ports below "
              + PortRanges.FIRST_UNPRIVILEGED
              + ", such as "
              + low.from());
    }
  }

  private void checkIdentity(List<Rule> own, String identity, String who) throws WireException {
    if (identity.isEmpty()) {
      return;
    }
    if (identity.equals(GroupWish.AUTO)) {
      if (pools.isEmpty()) {
        throw denied("identity", identity, "the policy has no pool of addresses");
      }
      if (own.stream().noneMatch(Rule::auto)) {
        throw denied("identity", identity, "the policy does not let " + who + " have one");
      }
      return;
    }
    InetAddress address = InetAddress.ofLiteral(identity);
    if (own.stream().flatMap(r -> r.identities.stream()).noneMatch(n -> n.contains(address))) {
      throw denied("identity", identity, "the policy does not let " + who + " take it");
    }
  }

  private List<Rule> select(Predicate<Rule> which) {
    return rules.stream().filter(which).toList();
  }

  private static WireException denied(String option, String value, String why) {
    return new WireException(ErrorCode.DENIED, option + "=" + value + ": " + why);
  }
}
