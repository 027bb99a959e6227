/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.policy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.underpass.host.HelperException;
import io.underpass.protocol.GroupWish;
import io.underpass.protocol.PortRanges;
import io.underpass.protocol.WireException;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GroupRulesTest {
  private static final List<String> POLICY =
      List.of(
          "group blue uid 1000 publish 8080;9000-9100 # web",
          "group blue uid 1000 identity 127.20.0.0/24 identity fd00::7",
          "group blue gid 50 low",
          "group green uid 1000 identity auto",
          "pool 127.20.1.0/30");

  @Test
  void whatTheRulesAllowTogetherIsGranted() throws Exception {
    for (GroupWish wish :
        List.of(
            wish("blue", "8080", "", ""),
            wish("blue", "", "", ""),
            wish("blue", "9000-9100", "9050;8080", "127.20.0.255"),
            wish("blue", "1024", "", "fd00::7"),
            wish("green", "8080", "", "auto"))) {
      assertEquals(wish, rules().grant(wish, 1000, 1, Set.of()));
    }
    GroupWish low = wish("blue", "80", "", "");
    assertEquals(low, rules().grant(low, 2000, 50, Set.of()), "by its group");
    assertEquals(low, rules().grant(low, 2000, 1, Set.of(50)), "by a supplementary group");
  }

  @Test
  void everyPortIsEveryPortThatTheUserMayHave() throws Exception {
    GroupWish every = wish("blue", "*", "", "");
    assertEquals(
        List.of(new PortRanges.Range(1024, 65535)),
        rules().grant(every, 1000, 1, Set.of()).ports().ranges());
    assertEquals(every, rules().grant(every, 2000, 50, Set.of()));
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '|',
      value = {
        "purple,8080,||,||,group=purple: the policy knows no such group",
        "blue,8080;80,||,||,ports=8080;80: the policy does not let uid 1000 bind ports below 1024; such as 80",
        "blue,8080,81,||,publish=81: the policy does not let uid 1000 publish port 81",
        "blue,||,8080;9000-9101,||,publish=8080;9000-9101: the policy does not let uid 1000 publish port 9000-9101",
        "blue,||,*,||,publish=*: the policy does not let uid 1000 publish every port",
        "green,||,8080,||,publish=8080: the policy does not let uid 1000 publish port 8080",
        "blue,||,||,127.20.1.0,identity=127.20.1.0: the policy does not let uid 1000 take it",
        "blue,||,||,::ffff:127.20.1.0,identity=::ffff:127.20.1.0: the policy does not let uid 1000 take it",
        "blue,||,||,fd00::8,identity=fd00::8: the policy does not let uid 1000 take it",
        "blue,||,||,auto,identity=auto: the policy does not let uid 1000 have one",
      })
  void whatIsDeniedIsNamed(
      String group, String ports, String publish, String identity, String message)
      throws Exception {
    assertEquals(
        message.replace("1024;", "1024,"),
        refusal(rules(), wish(group, ports, publish, identity), 1000));
  }

  @Test
  void anotherUserIsDenied() throws Exception {
    assertEquals(
        "group=blue: the policy does not let uid 2000 use it",
        refusal(rules(), wish("blue", "8080", "", ""), 2000));
  }

  @Test
  void withoutAFileRootMayUseEveryGroupButHasNoPool() throws Exception {
    GroupRules rules = Policy.byDefault().portGroups();
    GroupWish wish = wish("any", "80", "80", "127.20.0.7");
    assertEquals(wish, rules.grant(wish, 0, 0, Set.of()));
    for (String address : new String[] {"10.1.2.3", "128.0.0.1", "fd00::7", "::2"}) {
      assertEquals(
          "identity=" + address + ": the policy does not let uid 0 take it",
          refusal(rules, wish("any", "80", "80", address), 0),
          "an address that another host may have");
    }
    assertEquals(
        "identity=auto: the policy has no pool of addresses",
        refusal(rules, wish("any", "", "", "auto"), 0));
    assertEquals(
        "group=any: the policy does not let uid 1000 use it",
        refusal(rules, wish("any", "", "", ""), 1000));
  }

  @Test
  void rootHasNoMoreThanItsLines() throws Exception {
    GroupRules rules =
        Policy.parse("policy", List.of("group blue uid 0 identity 10.9.0.0/16")).portGroups();
    assertEquals(
        "ports=80: the policy does not let uid 0 bind ports below 1024, such as 80",
        refusal(rules, wish("blue", "80", "", ""), 0));
    assertEquals(
        "identity=127.20.0.7: the policy does not let uid 0 take it",
        refusal(rules, wish("blue", "", "", "127.20.0.7"), 0));
    GroupWish wish = wish("blue", "", "", "10.9.9.53");
    assertEquals(wish, rules.grant(wish, 0, 0, Set.of()));
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '|',
      value = {
        "group,group NAME is followed by uid or gid and whose",
        "group blue,group NAME is followed by uid or gid and whose",
        "group blue pid 1,group NAME is followed by uid or gid and whose",
        "group bl/ue uid 1,a group's name is made of letters; digits; \"-\"; \"_\" and \".\"",
        "group blue uid no-such-user-here,there is no user no-such-user-here",
        "group blue uid 1 high,\"high\" is neither low; publish nor identity",
        "group blue uid 1 publish,publish of what?",
        "group blue uid 1 publish 9100-9000,the range 9100-9000 is reversed",
        "group blue uid 1 publish 70000,\"70000\" is no port from 1 to 65535",
        "group blue uid 1 identity 127.20.0.0/33,\"127.20.0.0/33\" is no address; nor address/length",
        "group blue uid 1 identity host.example,\"host.example\" is no address; nor address/length",
        "pool 127.20.0.1,a pool is one address/length",
        "pool 127.20.0.0/x,\"127.20.0.0/x\" is no address; nor address/length",
      })
  void aMalformedRuleIsNamed(String rule, String why) {
    HelperException e =
        assertThrows(HelperException.class, () -> Policy.parse("policy", List.of("", rule)));
    assertEquals(
        "the policy is malformed at policy:2: \"" + rule + "\" (" + why.replace(";", ",") + ")",
        e.reason());
  }

  private static GroupRules rules() throws HelperException {
    return Policy.parse("policy", POLICY).portGroups();
  }

  private static GroupWish wish(String group, String ports, String publish, String identity) {
    return new GroupWish(group, ranges(ports), ranges(publish), identity);
  }

  private static PortRanges ranges(String text) {
    return text.isEmpty() ? PortRanges.NONE : PortRanges.parse(text);
  }

  private static String refusal(GroupRules rules, GroupWish wish, int uid) {
    return assertThrows(WireException.class, () -> rules.grant(wish, uid, 1, Set.of()))
        .getMessage();
  }
}
