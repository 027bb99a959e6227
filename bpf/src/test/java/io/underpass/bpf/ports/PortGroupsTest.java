package io.underpass.bpf.ports;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.testing.KernelTest;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Two groups and a process outside of any, all on the same ports of one host. */
@KernelTest
@Timeout(120)
class PortGroupsTest {
  private static PortsBed bed;
  private static Cast blue;
  private static Cast otherBlue;
  private static Cast green;
  private static Cast plain;

  @BeforeAll
  static void start() throws Exception {
    bed = new PortsBed("");
    blue = bed.member("blue", "*");
    otherBlue = bed.member("blue", "8080;9000-9100");
    green = bed.member("green", "8080;9000-9100");
    plain = Cast.plain();
  }

  @AfterAll
  static void stop() throws Exception {
    plain.kill();
    bed.close();
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
    assertMatches(shown + ":8080", blue.say("serve b " + server + " " + bind + " 8080"));
    assertMatches(shown + ":8080", green.say("serve g " + server + " " + bind + " 8080"));
    String ends = " at " + at(to) + ":8080 to (.*) seen (.*) to " + at(to) + ":8080";
    for (Cast client1 : new Cast[] {blue, otherBlue}) {
      assertMatches("b" + ends, client1.say("connect " + client + " " + to + " 8080"));
    }
    assertMatches("g" + ends, green.say("connect " + client + " " + to + " 8080"));
    assertMatches("! ConnectException .*", plain.say("connect " + client + " " + to + " 8080"));
    assertEquals("closed", blue.say("close b"));
    assertMatches("! ConnectException .*", blue.say("connect " + client + " " + to + " 8080"));
    assertEquals("closed", green.say("close g"));
    assertEquals(0, bed.ports().size(), () -> bed.ports().toString());
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
    assertEquals("closed", blue.say("close b"));
    assertEquals("closed", green.say("close g"));
    assertEquals(0, bed.ports().size(), () -> bed.ports().toString());
  }

  @Test
  void aPlainProcessHasThePortAndSeesItsOwn() throws Exception {
    assertEquals("127.0.0.1:9010", plain.say("serve p socket 127.0.0.1 9010"));
    assertMatches("p at .*", green.say("connect socket 127.0.0.1 9010")); // nobody of the group
    assertEquals("127.0.0.1:9010", green.say("serve g socket 127.0.0.1 9010"));
    assertMatches("g at .*", green.say("connect socket 127.0.0.1 9010"));
    assertMatches("p at .*", plain.say("connect socket 127.0.0.1 9010"));
    assertMatches("p at .*", blue.say("connect socket 127.0.0.1 9010"));
    assertEquals("closed", green.say("close g"));
    assertMatches("p at .*", green.say("connect socket 127.0.0.1 9010"));
    assertEquals("closed", plain.say("close p"));
  }

  private static String at(String host) {
    return host.indexOf(':') < 0
        ? Pattern.quote(host)
        : "\\[" + (host.equals("::1") ? "0:0:0:0:0:0:0:1" : "0:0:0:0:0:0:0:0") + "\\]";
  }

  private static void assertMatches(String pattern, String line) {
    assertTrue(Pattern.matches(pattern, line), () -> "\"" + line + "\" is not " + pattern);
  }
}
