/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.testing.HelperProcess;
import io.underpass.testing.KernelTest;
import io.underpass.testing.Pinning;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The room that an accelerated socket gets in its owner's calls, and what becomes of it. */
@KernelTest
@Timeout(120)
class TendIT {
  /** More than it takes both agents to see that the helper has gone, and to look for another. */
  private static final long GONE_MILLIS = 4_000;

  @TempDir Path folder;

  /** Of one end: its receive buffer, and the bound of its window; bytes. */
  private record Room(int buffer, int clamp) {
    static Room of(Child end, int connection) throws Exception {
      String[] words = Dialogue.say(end, "room " + connection).split(" ", -1);
      return new Room(Integer.parseInt(words[0]), Integer.parseInt(words[1]));
    }

    boolean isLowered() {
      return clamp <= buffer / 2; // the JDK tells half of what the kernel says: a quarter
    }
  }

  @Test
  void anAcceleratedSocketHasMoreRoomAndKeepsTheBufferAloneWhenTheHelperStops() throws Exception {
    Path socket = folder.resolve("s");
    Path pins = Pinning.newFolder();
    try (HelperProcess helper = new HelperProcess(socket, pins);
        Dialogue dialogue = new Dialogue(socket)) {
      int connection = dialogue.connect();
      awaitRoom(dialogue, connection);
      drain(socket, pins);
      assertEquals(0, helper.awaitEnd());
      awaitWindows(dialogue, connection);
      dialogue.exchange(connection, 50);
      dialogue.assertNoErrorsInside();
    }
  }

  /** What it has enrolled stays so; the next one, or a drain, ends it. */
  @Test
  void aHelperThatIsKilledLeavesTheRoomAsItIs() throws Exception {
    Path socket = folder.resolve("s");
    Path pins = Pinning.newFolder();
    try (HelperProcess helper = new HelperProcess(socket, pins);
        Dialogue dialogue = new Dialogue(socket)) {
      int connection = dialogue.connect();
      List<Room> before = awaitRoom(dialogue, connection);
      helper.kill();
      Thread.sleep(GONE_MILLIS);
      assertEquals(before, rooms(dialogue, connection));
      dialogue.exchange(connection, 50);
      drain(socket, pins);
      awaitWindows(dialogue, connection);
      dialogue.exchange(connection, 50);
      dialogue.assertNoErrorsInside();
    }
  }

  private static List<Room> rooms(Dialogue dialogue, int connection) throws Exception {
    return List.of(Room.of(dialogue.client, connection), Room.of(dialogue.server, connection));
  }

  /** Talks until both ends have more than in the beginning. */
  private static List<Room> awaitRoom(Dialogue dialogue, int connection) throws Exception {
    List<Room> first = rooms(dialogue, connection);
    List<Room> now = first;
    while (now.get(0).buffer <= first.get(0).buffer || now.get(1).buffer <= first.get(1).buffer) {
      dialogue.exchange(connection, 50);
      now = rooms(dialogue, connection);
    }
    String all = first + " became " + now;
    assertTrue(now.stream().allMatch(Room::isLowered), all);
    return now;
  }

  private static void awaitWindows(Dialogue dialogue, int connection) throws Exception {
    while (rooms(dialogue, connection).stream().anyMatch(Room::isLowered)) {
      Thread.sleep(20);
    }
  }

  private static void drain(Path socket, Path pins) throws Exception {
    HelperProcess.Result result =
        HelperProcess.underpass("drain", "--socket", socket, "--pin-dir", pins);
    assertEquals(0, result.exit(), result::out);
  }
}
