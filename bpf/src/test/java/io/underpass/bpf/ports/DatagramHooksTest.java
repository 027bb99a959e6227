/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.ports;

import static io.underpass.bpf.ports.Lines.assertMatches;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.testing.HelperProcess;
import io.underpass.testing.KernelTest;
import io.underpass.testing.Pinning;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** When the hooks are attached that cost every process's datagrams. */
@KernelTest
@Timeout(120)
class DatagramHooksTest {
  @Test
  void theyAreThereFromAMembersWordToTheEndOfTheLastThatGaveIt() throws Exception {
    try (PortsBed bed = new PortsBed("")) {
      Cast one = bed.memberWithoutDatagrams("blue", "7871");
      Cast two = bed.memberWithoutDatagrams("blue", "7871");
      Cast quiet = bed.memberWithoutDatagrams("green", "7871");
      assertEquals("127.0.0.1:7871", quiet.say("serve q socket 127.0.0.1 7871"));
      assertEquals(0, bed.datagramHooks());
      assertEquals("told", one.say("datagrams"));
      assertEquals(4, bed.datagramHooks());
      assertEquals("told", two.say("datagrams"));
      assertEquals("127.0.0.1:7871", one.say("answer one channel 127.0.0.1 7871"));
      assertMatches("one at .* from 127.0.0.1:7871", two.say("ask socket 127.0.0.1 7871"));
      one.kill();
      bed.ports();
      assertEquals(4, bed.datagramHooks());
      two.kill();
      await(() -> bed.datagramHooks() == 0);
      assertMatches("q at .*", quiet.say("connect socket 127.0.0.1 7871"));
    }
  }

  @Test
  void aMemberThatPromisesNothingHasThemFromTheStart() throws Exception {
    try (PortsBed bed = new PortsBed("")) {
      Cast member = bed.member("blue", "7871");
      assertEquals(4, bed.datagramHooks());
      member.kill();
      await(() -> bed.datagramHooks() == 0);
    }
  }

  /** As Netty's epoll does: no JDK class of datagrams is loaded. */
  @Test
  void aSocketThatNobodySpokeOfHasThemSoonAfterItsBind() throws Exception {
    try (PortsBed bed = new PortsBed("")) {
      Cast one = bed.memberWithoutDatagrams("blue", "7871");
      Cast two = bed.memberWithoutDatagrams("blue", "7871");
      assertEquals("127.0.0.1:7871", one.say("answer one channel 127.0.0.1 7871"));
      await(() -> bed.datagramHooks() == 4);
      assertMatches("one at .* from 127.0.0.1:7871", two.say("ask channel 127.0.0.1 7871"));
    }
  }

  @Test
  void aPrivateSocketStaysPrivateWhenItsOwnerIsNoMemberAnyMore() throws Exception {
    try (PortsBed bed = new PortsBed("group * uid 0 identity 127.20.0.0/16\n")) {
      Cast one = bed.member("blue", "7871", "-", "127.20.0.88");
      Cast plain = bed.plain();
      assertEquals("127.0.0.1:7871", one.say("answer one channel 127.0.0.1 7871"));
      int real = bed.ports().get(0).real();
      assertEquals("left", one.say("leave"));
      bed.awaitRegistrations(0);
      assertEquals(1, bed.ports().size()); // the end of the registration is dealt with before
      assertMatches("! .*", plain.say("ask channel 127.0.0.1 " + real));
      assertEquals(4, bed.datagramHooks());
      one.kill();
      await(() -> bed.datagramHooks() == 0);
    }
  }

  @Test
  void theNextHelperKeepsThemUntilItHasHeardOfEveryMember(@TempDir Path folder) throws Exception {
    Path socket = folder.resolve("helper.sock");
    Path pins = Pinning.newFolder();
    HelperProcess first = new HelperProcess(socket, pins);
    Cast one = Cast.memberWithoutDatagrams(socket, "blue", "7871");
    Cast two = Cast.member(socket, "blue", "7871", "-", "-");
    assertMatches(".*:7871", two.say("answer two channel 127.0.0.1 7871"));
    first.kill();
    assertEquals(4, PortsBed.datagramHooks(pins));
    assertMatches("two at .* from 127.0.0.1:7871", one.say("ask channel 127.0.0.1 7871"));
    try (HelperProcess second = new HelperProcess(socket, pins)) {
      two.kill();
      await(() -> PortsBed.ports(socket).isEmpty());
      // It may have made a datagram socket while there was nobody to tell.
      assertEquals(4, PortsBed.datagramHooks(pins));
      one.kill();
      await(() -> PortsBed.datagramHooks(pins) == 0);
      second.stop();
    }
    assertFalse(HelperProcess.left(pins), "pins are left");
    Files.deleteIfExists(socket);
  }

  private static void await(BooleanSupplier condition) throws InterruptedException {
    long end = System.nanoTime() + 20_000_000_000L;
    while (!condition.getAsBoolean()) {
      assertTrue(System.nanoTime() < end, "it never comes");
      Thread.sleep(5);
    }
  }
}
