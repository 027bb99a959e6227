/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.ports;

import static io.underpass.bpf.ports.Lines.assertMatches;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.testing.KernelTest;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the policy lets a user do with a group's ports: publish them, and bind low ones. */
@KernelTest
@Timeout(120)
class PublishTest extends OnBed {
  /** Of user nobody: it may publish 97 and 8180 of blue. */
  private static Cast blue;

  private static Cast green;

  @BeforeAll
  static void start() throws Exception {
    make("allow uid 65534\ngroup blue uid 65534 publish 97;8180 low\n");
    blue = bed.nobody("blue", "90-99;8180", "97;8180", "-");
    green = bed.member("green", "90-99;8180", "-", "-");
    assertEquals("joined ", blue.start);
  }

  @Test
  void aPublishedPortIsReachedFromOutsideToo() throws Exception {
    assertEquals("127.0.0.1:8180", blue.say("serve b socket 127.0.0.1 8180"));
    assertEquals("127.0.0.1:8180", green.say("serve g socket 127.0.0.1 8180"));
    assertMatches("b at 127.0.0.1:8180 .*", plain.say("connect socket 127.0.0.1 8180"));
    assertMatches("b at 127.0.0.1:8180 .*", blue.say("connect socket 127.0.0.1 8180"));
    assertMatches("g at 127.0.0.1:8180 .*", green.say("connect socket 127.0.0.1 8180"));
    assertTrue(bed.ports().get(0).published());
    assertEquals(8180, bed.ports().get(0).real());
    // The real port is taken, and that is said as ever.
    assertMatches("! BindException .*", plain.say("serve p socket 127.0.0.1 8180"));
  }

  @Test
  void aPublishedPortThatAPlainProcessHasIsInUse() throws Exception {
    assertEquals("127.0.0.1:8180", plain.say("serve p socket 127.0.0.1 8180"));
    assertMatches("! BindException .*", blue.say("serve b socket 127.0.0.1 8180"));
    assertEquals("127.0.0.1:8180", green.say("serve g socket 127.0.0.1 8180"));
    assertEquals(1, bed.ports().size());
  }

  @Test
  void lowPortsAreBoundWithoutPrivilege() throws Exception {
    assertEquals("127.0.0.1:91", blue.say("serve b socket 127.0.0.1 91"));
    assertMatches("b at 127.0.0.1:91 .*", blue.say("connect socket 127.0.0.1 91"));
    assertEquals("127.0.0.1:97", blue.say("serve c channel 127.0.0.1 97"));
    assertMatches("c at 127.0.0.1:97 .*", plain.say("connect channel 127.0.0.1 97"));
    assertEquals("127.0.0.1:95", blue.say("answer d socket 127.0.0.1 95"));
  }

  @Test
  void theSecondGroupThatPublishesAPortIsRefusedAndNotToldWhoHasIt() throws Exception {
    Cast second = bed.member("green", "*", "8100-8200", "-");
    assertEquals(
        "! denied publish=8100-8200: port 8180 is published by another group", second.start);
    Cast same = bed.member("blue", "*", "8180", "-");
    assertEquals("joined ", same.start);
    same.kill();
  }

  @Test
  void aMemberThatDoesNotPublishGetsNoRealPortByAnothersLeave() throws Exception {
    Cast second = bed.member("blue", "8180", "-", "-");
    assertEquals("127.0.0.1:8180", blue.say("serve b socket 127.0.0.1 8180"));
    assertMatches("! BindException .*", second.say("serve c socket 127.0.0.1 8180"));
    assertMatches("! BindException .*", second.say("serve c channel :: 8180"));
    assertEquals("127.0.0.2:8180", second.say("serve c socket 127.0.0.2 8180"));
    assertMatches("c at 127.0.0.2:8180 .*", blue.say("connect socket 127.0.0.2 8180"));
    assertMatches("b at 127.0.0.1:8180 .*", second.say("connect socket 127.0.0.1 8180"));
    assertMatches("! ConnectException .*", plain.say("connect socket 127.0.0.2 8180"));
    assertMatches("b at 127.0.0.1:8180 .*", plain.say("connect socket 127.0.0.1 8180"));
    second.kill();
  }

  @Test
  void whatThePolicyDoesNotAllowIsNamed() throws Exception {
    assertEquals(
        "! denied group=green: the policy does not let uid 65534 use it",
        bed.nobody("green", "7871", "-", "-").start);
    assertEquals(
        "! denied publish=8181: the policy does not let uid 65534 publish port 8181",
        bed.nobody("blue", "7871", "8181", "-").start);
    assertEquals(
        "! denied identity=127.20.0.1: the policy does not let uid 65534 take it",
        bed.nobody("blue", "7871", "-", "127.20.0.1").start);
  }
}
