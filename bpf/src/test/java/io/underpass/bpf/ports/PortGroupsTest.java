/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.ports;

import static io.underpass.bpf.ports.Lines.assertMatches;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.protocol.PortView;
import io.underpass.testing.KernelTest;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Two groups and a process outside of any, all on the same ports of one host. */
@KernelTest
@Timeout(120)
class PortGroupsTest extends OnBed {
  private static Cast blue;
  private static Cast otherBlue;
  private static Cast green;

  @BeforeAll
  static void start() throws Exception {
    make("");
    blue = bed.member("blue", "*");
    otherBlue = bed.member("blue", "7871;9000-9100");
    green = bed.member("green", "7871;9000-9100");
  }

  @ParameterizedTest
  @CsvSource({
    "socket,   127.0.0.1, socket,  127.0.0.1",
    "channel,  0.0.0.0,   channel, 127.0.0.1",
    "selected, ::,        async,   ::1",
    "async,    ::1,       socket,  ::1",
    "socket,   ::,        channel, 127.0.0.1",
  })
  void tcpOfTwoGroupsIsEachItsOwn(String server, String bind, String client, String to)
      throws Exception {
    String shown = "::".equals(bind) || "0.0.0.0".equals(bind) ? "\\[0:0:0:0:0:0:0:0\\]" : at(bind);
    assertMatches(shown + ":7871", blue.say("serve b " + server + " " + bind + " 7871"));
    assertMatches(shown + ":7871", green.say("serve g " + server + " " + bind + " 7871"));
    String ends = " at " + at(to) + ":7871 to (.*) seen (.*) to " + at(to) + ":7871";
    for (Cast client1 : new Cast[] {blue, otherBlue}) {
      assertMatches("b" + ends, client1.say("connect " + client + " " + to + " 7871"));
    }
    assertMatches("g" + ends, green.say("connect " + client + " " + to + " 7871"));
    assertMatches("! ConnectException .*", plain.say("connect " + client + " " + to + " 7871"));
    bed.closeSockets();
    assertMatches("! ConnectException .*", blue.say("connect " + client + " " + to + " 7871"));
  }

  @ParameterizedTest
  @CsvSource({
    "socket,  127.0.0.1, socket,            127.0.0.1",
    "channel, 0.0.0.0,   channel,           127.0.0.1",
    "channel, ::,        connected-channel, ::1",
    "socket,  ::1,       connected-socket,  ::1",
    "socket,  ::,        connected-channel, 127.0.0.1",
    "channel, ::,        socket,            ::1",
  })
  void udpOfTwoGroupsIsEachItsOwn(String server, String bind, String client, String to)
      throws Exception {
    assertMatches(".*:9000", blue.say("answer b " + server + " " + bind + " 9000"));
    assertMatches(".*:9000", green.say("answer g " + server + " " + bind + " 9000"));
    assertMatches(
        "b at .*:9000 to .* from " + at(to) + ":9000",
        otherBlue.say("ask " + client + " " + to + " 9000"));
    assertMatches(
        "g at .*:9000 to .* from " + at(to) + ":9000",
        green.say("ask " + client + " " + to + " 9000"));
    // The sender has a port of the group too, and the server sees that one.
    assertMatches(
        "b at .* to " + at(to) + ":9007 from " + at(to) + ":9000",
        otherBlue.say("ask " + client + " " + to + " 9000 9007"));
  }

  @Test
  void aPlainProcessHasThePortAndSeesItsOwn() throws Exception {
    assertEquals("127.0.0.1:9010", plain.say("serve p socket 127.0.0.1 9010"));
    assertMatches("p at .*", green.say("connect socket 127.0.0.1 9010")); // nobody of the group
    assertEquals("127.0.0.1:9010", green.say("serve g socket 127.0.0.1 9010"));
    assertMatches("g at .*", green.say("connect socket 127.0.0.1 9010"));
    assertMatches("p at .*", plain.say("connect socket 127.0.0.1 9010"));
    assertMatches("p at .*", blue.say("connect socket 127.0.0.1 9010"));
    green.say("close");
    bed.awaitNone();
    assertMatches("p at .*", green.say("connect socket 127.0.0.1 9010"));
    assertEquals("closed", plain.say("close p"));
  }

  @Test
  void aPortIsInUseInItsGroupAsEver() throws Exception {
    String inUse = "! BindException Address already in use";
    assertEquals("127.0.0.1:7871", blue.say("serve b socket 127.0.0.1 7871"));
    assertEquals(inUse, otherBlue.say("serve c socket 127.0.0.1 7871"));
    assertEquals(inUse, otherBlue.say("serve c channel :: 7871"));
    assertEquals(inUse, blue.say("serve c channel 0.0.0.0 7871"));
    assertEquals("127.0.0.2:7871", otherBlue.say("serve c socket 127.0.0.2 7871"));
    assertEquals("127.0.0.1:7871", otherBlue.say("answer d channel 127.0.0.1 7871")); // UDP
    assertEquals(inUse, blue.say("answer e channel 127.0.0.1 7871"));
    assertMatches("c at 127.0.0.2:7871 .*", blue.say("connect socket 127.0.0.2 7871"));
    assertMatches("b at 127.0.0.1:7871 .*", otherBlue.say("connect socket 127.0.0.1 7871"));
    assertMatches("! ConnectException .*", otherBlue.say("connect socket 127.0.0.3 7871"));
    assertEquals("closed", blue.say("close b"));
    assertEquals("[0:0:0:0:0:0:0:1]:7871", blue.say("serve f socket ::1 7871"));
  }

  @Test
  void reuseportSharesAPortInItsGroup() throws Exception {
    assertMatches(".*:7871", blue.say("serve b channel :: 7871 share"));
    assertMatches("! BindException .*", otherBlue.say("serve c channel :: 7871"));
    assertMatches(".*:7871", otherBlue.say("serve c channel :: 7871 share"));
    assertMatches(".*:7871", green.say("serve g channel :: 7871 share"));
    Set<String> answers = new HashSet<>();
    for (int i = 0; i < 100; i++) {
      answers.add(blue.say("connect channel 127.0.0.1 7871").substring(0, 1));
    }
    assertEquals(Set.of("b", "c"), answers);
    assertEquals(3, bed.ports().size());
    assertEquals(2, bed.ports().stream().map(PortView::real).distinct().count());
    blue.say("close b");
    assertMatches("c at .*", blue.say("connect channel 127.0.0.1 7871"));
  }

  @Test
  void datagramSocketsShareAPortInItsGroupLikeAnyOther() throws Exception {
    assertMatches(".*:9020", blue.say("answer b channel 127.0.0.1 9020 share"));
    assertMatches("! BindException .*", otherBlue.say("answer c socket 127.0.0.1 9020"));
    assertMatches(".*:9020", otherBlue.say("answer c socket 127.0.0.1 9020 share"));
    assertMatches(".*:9020", green.say("answer g channel 127.0.0.1 9020 share"));
    Set<String> answers = new HashSet<>();
    for (int i = 0; i < 100 && answers.size() < 2; i++) {
      answers.add(blue.say("ask channel 127.0.0.1 9020").substring(0, 1));
    }
    assertEquals(Set.of("b", "c"), answers);
    assertEquals(2, bed.ports().stream().map(PortView::real).distinct().count());
  }

  @Test
  void aDatagramSocketThatIsDisconnectedKeepsItsPortAndLetsGoOfItOnce() throws Exception {
    assertMatches(".*:9030", blue.say("answer b channel :: 9030"));
    for (String kind : new String[] {"socket", "channel"}) {
      assertEquals(
          "9031 before and 9031 after", otherBlue.say("disconnect " + kind + " 9030 9031"));
    }
    blue.say("close");
    bed.awaitNone();
    // If something of 9031 were left, the group would go on sending to where nobody is.
    assertMatches(".*:9031", plain.say("answer p channel 127.0.0.1 9031"));
    assertMatches("p at .*", blue.say("ask channel 127.0.0.1 9031"));
  }

  @Test
  void firstBindsAtTheSameMomentEndAsTheyWouldPlain() throws Exception {
    assertEquals("[1]", blue.say("storm 7872 300"));
    assertEquals("[4]", blue.say("storm 7872 300 share"));
    assertEquals(plain.say("storm 9011 50"), green.say("storm 9011 50"));
    bed.awaitNone();
  }

  @Test
  void socketsThatShareAreAllReachedHoweverTheyRaced() throws Exception {
    // Mostly within some dozen rounds, two get a real port each; what is asked holds either way.
    int rounds = 200;
    long reals = 1;
    for (int i = 1; i <= rounds && reals == 1; i++) {
      assertEquals("held 4", blue.say("hold 7873"));
      reals = bed.ports().stream().map(PortView::real).distinct().count();
      if (reals > 1 || i == rounds) {
        Set<String> answers = new HashSet<>();
        for (int k = 0; k < 500 && answers.size() < 4; k++) {
          answers.add(blue.say("connect channel 127.0.0.1 7873").substring(0, 2));
        }
        assertEquals(Set.of("s0", "s1", "s2", "s3"), answers);
      }
      assertEquals("closed", blue.say("close"));
      bed.awaitNone();
    }
  }

  @Test
  void socketsOfIpv4AloneAreTranslatedToo() throws Exception {
    Cast four =
        bed.memberWith(List.of("-Djava.net.preferIPv4Stack=true"), "blue", "7871;9000-9100");
    assertEquals("0.0.0.0:7871", four.say("serve four channel 0.0.0.0 7871"));
    assertMatches(
        "four at 127.0.0.1:7871 to 127.0.0.1:9020 seen 127.0.0.1:9020 to 127.0.0.1:7871",
        four.say("connect socket 127.0.0.1 7871 9020"));
    assertMatches(
        "four at 127.0.0.1:7871 to 127.0.0.1:9021 seen 127.0.0.1:9021 to 127.0.0.1:7871",
        otherBlue.say("connect channel 127.0.0.1 7871 9021"));
    assertEquals("0.0.0.0:9000", four.say("answer four channel 0.0.0.0 9000"));
    for (Cast member : List.of(four, otherBlue)) {
      for (String kind : List.of("socket", "connected-channel")) {
        assertMatches(
            "four at 0.0.0.0:9000 to 127.0.0.1:9022 from 127.0.0.1:9000",
            member.say("ask " + kind + " 127.0.0.1 9000 9022"));
      }
    }
    assertMatches("! ConnectException .*", green.say("connect socket 127.0.0.1 7871"));
    four.kill();
  }

  @Test
  void portsOutsideOfTheRangesAndPortZeroAreTheHosts() throws Exception {
    assertEquals("127.0.0.1:9200", otherBlue.say("serve b socket 127.0.0.1 9200"));
    assertMatches("b at .*:9200 .*", plain.say("connect socket 127.0.0.1 9200"));
    String any = blue.say("serve z channel 127.0.0.1 0");
    assertMatches("127.0.0.1:[1-9][0-9]*", any);
    String port = any.substring(any.indexOf(':') + 1);
    assertMatches("z at .*:" + port + " .*", plain.say("connect socket 127.0.0.1 " + port));
    assertEquals(0, bed.ports().size());
  }

  @Test
  void aClientThatIsBoundToAPortOfTheGroupShowsThatOne() throws Exception {
    assertMatches(".*:7871", blue.say("serve b socket :: 7871"));
    assertMatches(
        "b at 127.0.0.1:7871 to 127.0.0.1:9005 seen 127.0.0.1:9005 to 127.0.0.1:7871",
        otherBlue.say("connect socket 127.0.0.1 7871 9005"));
    assertMatches(
        "b at (.*) to .0:0:0:0:0:0:0:1.:9006 seen .0:0:0:0:0:0:0:1.:9006 to .*",
        otherBlue.say("connect channel ::1 7871 9006"));
  }

  @Test
  void multicastIsLeftAlone() throws Exception {
    assertEquals("9050 got it from the sender: true", blue.say("multicast 9050"));
    assertEquals("9050 got it from the sender: true", green.say("multicast 9050"));
  }

  @Test
  void theListAndTheBeanSayWhoListensWhere() throws Exception {
    assertMatches(".*:7871", blue.say("serve b socket 127.0.0.1 7871"));
    assertMatches(".*:7871", green.say("answer g channel :: 7871"));
    List<PortView> ports = bed.ports();
    assertEquals(2, ports.size(), ports::toString);
    PortView first = ports.get(0);
    assertEquals(
        List.of("blue", 7871, "tcp", "127.0.0.1", (int) blue.pid()),
        List.of(first.group(), first.virtual(), first.protocol(), first.address(), first.pid()));
    PortView second = ports.get(1);
    assertEquals(
        List.of("green", 7871, "udp", "*", (int) green.pid()),
        List.of(
            second.group(), second.virtual(), second.protocol(), second.address(), second.pid()));
    assertMatches("b at .*", plain.say("connect socket 127.0.0.1 " + first.real()));
  }

  @Test
  void connectionsInAGroupAreAcceleratedLikeAnyOther() throws Exception {
    assertMatches(".*:7871", blue.say("serve b echo :: 7871"));
    assertEquals("enough with 127.0.0.1:7871", otherBlue.say("accelerate 7871"));
    int redirected = Integer.parseInt(blue.say("redirected"));
    assertTrue(redirected > 200, () -> redirected + " messages of the server were redirected");
  }

  private static String at(String host) {
    return host.indexOf(':') < 0
        ? Pattern.quote(host)
        : "\\[" + (host.equals("::1") ? "0:0:0:0:0:0:0:1" : "0:0:0:0:0:0:0:0") + "\\]";
  }
}
