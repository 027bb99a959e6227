/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.ports;

import static io.underpass.bpf.ports.Lines.assertMatches;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.protocol.PortView;
import io.underpass.testing.KernelTest;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** JVMs with an address of their own. */
@KernelTest
@Timeout(120)
class IdentityTest extends OnBed {
  private static final String POLICY =
      """
      pool 127.20.5.0/30
      allow uid 2001
      allow uid 2002
      group * uid 0 identity auto identity 127.20.0.0/16
      group green uid 2001 identity auto
      group green uid 2002 identity auto
      group * uid 0 identity 10.213.7.0/24 identity fd00:213:7::/64
      """;

  private static final String REFUSED = "! .*(BindException|Cannot assign requested address).*";

  private static Cast one;
  private static Cast two;
  private static Cast six;
  private static Cast green;

  /** Of a user without privilege, in no group; the second makes sockets of IPv4. */
  private static Cast stranger;

  private static Cast stranger4;

  @BeforeAll
  static void start() throws Exception {
    make(POLICY);
    one = bed.member("blue", "7871", "-", "127.20.0.77");
    two = bed.member("blue", "7871", "-", "auto");
    six = bed.member("blue", "7871", "-", "fd00:213:7::7");
    green = bed.member("green", "7871", "-", "10.213.7.5");
    stranger = bed.stranger(2005);
    stranger4 = bed.stranger(2005, "-Djava.net.preferIPv4Stack=true");
  }

  @AfterAll
  static void nothingIsLeft() throws Exception {
    bed.close();
    assertFalse(isLocal("10.213.7.5"), "an address is left");
    assertFalse(isLocal("fd00:213:7::7"), "an address is left");
  }

  @Test
  void membersLearnTheirAddressesAndTheHostHasThem() throws Exception {
    assertEquals("joined 127.20.0.77", one.start);
    assertEquals("joined 127.20.5.1", two.start);
    assertEquals("joined fd00:213:7:0:0:0:0:7", six.start);
    assertEquals("joined 10.213.7.5", green.start);
    assertTrue(isLocal("10.213.7.5"));
    assertTrue(isLocal("fd00:213:7::7"));
  }

  @Test
  void wildcardBindsGoToTheIdentityAndConnectionsComeFromIt() throws Exception {
    assertMatches(".*:7871", one.say("serve one socket :: 7871"));
    assertEquals("127.20.5.1:7871", two.say("serve two channel 0.0.0.0 7871"));
    assertEquals("[fd00:213:7:0:0:0:0:7]:7871", six.say("serve six async :: 7871"));
    assertMatches(".*:7871", green.say("serve green socket :: 7871"));
    assertMatches(
        "two at 127.20.5.1:7871 to 127.20.0.77:(\\d+) seen 127.20.0.77:\\1 to 127.20.5.1:7871",
        one.say("connect socket 127.20.5.1 7871"));
    assertMatches(
        "one at 127.20.0.77:7871 to 127.20.5.1:(\\d+) seen 127.20.5.1:\\1 to 127.20.0.77:7871",
        two.say("connect channel 127.20.0.77 7871"));
    assertMatches(
        "six at .fd00:213:7:0:0:0:0:7.:7871 to .fd00:213:7:0:0:0:0:7.:.*",
        six.say("connect channel fd00:213:7::7 7871"));
    assertMatches(
        "green at 10.213.7.5:7871 to 10.213.7.5:.*", green.say("connect async 10.213.7.5 7871"));
    assertMatches("! ConnectException .*", plain.say("connect socket 127.20.0.77 7871"));
    assertMatches("! ConnectException .*", green.say("connect socket 127.20.0.77 7871"));
  }

  @Test
  void localhostReachesWhatWasBoundToTheWildcard() throws Exception {
    assertMatches(".*:7871", green.say("serve green socket :: 7871"));
    assertMatches(
        "green at 10.213.7.5:7871 to 10.213.7.5:.* to 127.0.0.1:7871",
        green.say("connect socket 127.0.0.1 7871"));
    assertMatches(".*:7871", six.say("serve six socket :: 7871"));
    assertMatches("six at .* to .0:0:0:0:0:0:0:1.:7871", one.say("connect socket ::1 7871"));
  }

  @Test
  void datagramsComeFromTheIdentity() throws Exception {
    assertEquals("127.20.0.77:7871", one.say("answer one channel :: 7871"));
    for (String kind : new String[] {"socket", "channel"}) {
      assertMatches(
          "one at 127.20.0.77:7871 to 127.20.5.1:\\d+ from 127.20.0.77:7871",
          two.say("ask " + kind + " 127.20.0.77 7871"));
    }
    assertEquals("10.213.7.5:7871", green.say("answer green socket :: 7871"));
    for (String kind :
        new String[] {"socket", "channel", "connected-socket", "connected-channel"}) {
      assertMatches(
          "green at 10.213.7.5:7871 to 10.213.7.5:\\d+ from 10.213.7.5:7871",
          green.say("ask " + kind + " 10.213.7.5 7871"));
    }
    assertEquals("[fd00:213:7:0:0:0:0:7]:7871", six.say("answer six socket :: 7871"));
    assertMatches(
        "six at .* to .fd00:213:7:0:0:0:0:7.:.*",
        six.say("ask connected-channel fd00:213:7::7 7871"));
  }

  @Test
  void aPortOutsideOfTheRangesIsTheIdentitysOwn() throws Exception {
    assertMatches(".*:9300", one.say("serve one socket :: 9300"));
    assertMatches(".*:9300", two.say("serve two socket :: 9300"));
    assertEquals("127.0.0.1:9300", plain.say("serve plain socket 127.0.0.1 9300"));
    assertMatches("one at .*", plain.say("connect socket 127.20.0.77 9300"));
    assertMatches("two at .*", plain.say("connect socket 127.20.5.1 9300"));
    assertMatches("plain at .* to 127.20.5.1:.*", two.say("connect socket 127.0.0.1 9300"));
  }

  @Test
  void whatIsBoundToLocalhostIsTheGroupsAlone() throws Exception {
    for (String host : new String[] {"127.0.0.1", "::1"}) {
      assertMatches(".*:9400", one.say("serve one socket " + host + " 9400"));
      assertMatches(".*:9400", one.say("answer oneudp channel " + host + " 9400"));
      String any = one.say("serve any socket " + host + " 0");
      String port = any.substring(any.lastIndexOf(':') + 1);
      assertMatches("one at .*:9400 to .*", two.say("connect socket " + host + " 9400"));
      assertMatches("oneudp at .*", two.say("ask socket " + host + " 9400"));
      assertMatches("any at .*", two.say("connect socket " + host + " " + port));
      for (Cast other : new Cast[] {green, plain}) {
        assertMatches("! ConnectException .*", other.say("connect socket " + host + " " + port));
        for (PortView bound : bed.ports()) {
          assertTrue(bound.confined(), bound::toString);
          String verb = bound.protocol().equals("udp") ? "ask" : "connect";
          assertMatches("! .*", other.say(verb + " socket " + host + " " + bound.real()));
          assertMatches("! .*", other.say(verb + " channel " + host + " " + bound.real()));
        }
      }
      assertMatches(".*:9400", plain.say("serve plain socket " + host + " 9400"));
      assertMatches("plain at .*", plain.say("connect socket " + host + " 9400"));
      assertMatches("plain at .*", green.say("connect socket " + host + " 9400"));
      closeSockets();
    }
  }

  @Test
  void anAddressThatIsAskedForIsLeftAlone() throws Exception {
    assertEquals("127.0.0.9:9500", one.say("serve one socket 127.0.0.9 9500"));
    assertMatches("one at 127.0.0.9:9500 .*", plain.say("connect socket 127.0.0.9 9500"));
    assertEquals("127.0.0.9:7871", one.say("serve more socket 127.0.0.9 7871"));
    assertMatches("more at 127.0.0.9:7871 .*", two.say("connect socket 127.0.0.9 7871"));
  }

  @Test
  void addressesAreOneJvmsAndThePoolHasAnEnd() throws Exception {
    assertEquals(
        "! denied identity=127.20.0.77: another process has it",
        bed.member("green", "7871", "-", "127.20.0.77").start);
    assertEquals(
        "! full identity=auto: uid 0 has 1 addresses, as many as are left for all others",
        bed.member("green", "7871", "-", "auto").start);
    Cast last = bed.user(2001, "green", "7871", "-", "auto");
    assertEquals("joined 127.20.5.2", last.start);
    assertEquals(
        "! full identity=auto: every address of the pool 127.20.5.0/30 is taken",
        bed.user(2002, "green", "7871", "-", "auto").start);
    last.kill();
    Cast next = bed.user(2001, "green", "7871", "-", "auto");
    assertEquals("joined 127.20.5.2", next.start);
    next.kill();
  }

  @Test
  void nobodyElseBindsAnAddress() throws Exception {
    for (Cast other : new Cast[] {stranger, stranger4, two, plain}) {
      for (String address : new String[] {"127.20.0.77", "10.213.7.5", "fd00:213:7::7"}) {
        if (other == stranger4 && address.indexOf(':') >= 0) {
          continue; // it has no IPv6
        }
        assertMatches(REFUSED, other.say("serve s socket " + address + " 9090"));
        assertMatches(REFUSED, other.say("serve s channel " + address + " 0"));
        assertMatches(REFUSED, other.say("answer s channel " + address + " 9091"));
        assertMatches(REFUSED, other.say("answer s socket " + address + " 9091"));
      }
      assertMatches("127.20.0.78:9092", other.say("serve s socket 127.20.0.78 9092"));
      other.say("close");
    }
    assertEquals("127.20.0.77:9090", one.say("serve one socket 127.20.0.77 9090"));
  }

  @Test
  void nobodyElseConnectsFromAnAddress() throws Exception {
    assertMatches(".*:9301", green.say("serve g socket :: 9301"));
    assertMatches(".*:9301", six.say("serve s socket :: 9301"));
    assertMatches(".*:9302", green.say("answer gudp channel :: 9302"));
    Cast fellow = bed.member("green", "7871");
    for (Cast other : new Cast[] {stranger, stranger4, plain, fellow}) {
      for (String kind : new String[] {"socket", "channel", "async"}) {
        assertMatches(
            "g at 10.213.7.5:9301 to 127.0.0.1:.*",
            other.say("connect " + kind + " 10.213.7.5 9301"));
      }
      assertMatches("! .*", other.say("connect channel 10.213.7.5 9301 9444"));
      for (String kind : new String[] {"channel", "socket"}) {
        assertMatches(
            "gudp at .* to 127.0.0.1:.* from 10.213.7.5:9302",
            other.say("ask " + kind + " 10.213.7.5 9302"));
      }
    }
    assertMatches(
        "s at .* to .0:0:0:0:0:0:0:1.:.*", stranger.say("connect channel fd00:213:7::7 9301"));
    assertMatches("g at .* to 10.213.7.5:.*", green.say("connect socket 10.213.7.5 9301"));
    assertMatches("g at .* to 127.20.0.77:.*", one.say("connect socket 10.213.7.5 9301"));
    assertMatches(".*:7871", green.say("serve v socket :: 7871"));
    assertMatches(
        "v at 10.213.7.5:7871 to 127.0.0.1:.*", fellow.say("connect socket 127.0.0.1 7871"));
    fellow.kill();
  }

  @Test
  void anAddressGoesWithItsJvm() throws Exception {
    Cast member = bed.member("green", "7871", "-", "10.213.7.99");
    assertTrue(isLocal("10.213.7.99"));
    member.kill();
    awaitGone("10.213.7.99");
  }

  static boolean isLocal(String address) throws SocketException {
    return NetworkInterface.getByInetAddress(InetAddress.ofLiteral(address)) != null;
  }

  static void awaitGone(String address) throws Exception {
    long end = System.nanoTime() + 30_000_000_000L;
    while (isLocal(address)) {
      assertTrue(System.nanoTime() < end, address + " is still there");
      Thread.sleep(50);
    }
  }
}
