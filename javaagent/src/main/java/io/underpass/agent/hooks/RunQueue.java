/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.hooks;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Whether the machine has a processor to spare, as the kernel counts its runnable threads.
 *
 * <p>Where all processors have work, who spins takes the time of somebody who would do something
 * with it, often of the very thread that is to answer; and nobody is idle who would be slow to
 * wake.
 */
final class RunQueue {
  private static final Path LOADAVG = Path.of("/proc/loadavg");
  private static final Path ONLINE = Path.of("/sys/devices/system/cpu/online");

  /** How long an answer holds: asking takes about 2 us. */
  private static final long HOLDS_NANOS = 1_000_000;

  /**
   * The answers that count, and how many of them may be "all have work": one alone is a kernel's
   * thread that has just come and goes at once.
   */
  private static final int ANSWERS = 0xff;

  private static final int MOST_BUSY = 4;

  /** Kept open: opening it costs more than all the rest. */
  private final RandomAccessFile loadavg;

  private final int processors;

  /** Who may ask next, and when; {@code System.nanoTime}. */
  private final AtomicLong nextAt = new AtomicLong(System.nanoTime());

  /** As {@link #isSpare} takes it; written by who may ask, and one update lost is no harm. */
  private volatile int history = ANSWERS;

  private RunQueue(RandomAccessFile loadavg, int processors) {
    this.loadavg = loadavg;
    this.processors = processors;
  }

  /** Fails where the kernel does not tell. */
  static RunQueue open() throws IOException {
    int processors = processors(Files.readString(ONLINE, StandardCharsets.US_ASCII).strip());
    return new RunQueue(new RandomAccessFile(LOADAVG.toFile(), "r"), processors);
  }

  /** Those that are online, and not those that this JVM may use: the other end may use others. */
  int processors() {
    return processors;
  }

  boolean hasSpareProcessor(long now) {
    long at = nextAt.get();
    if (now - at >= 0 && nextAt.compareAndSet(at, now + HOLDS_NANOS)) {
      // The caller counts, and the other end too, which has just been sent something and wakes, or
      // spins. So one pair on two processors may, and two pairs may not, whether they spin or not.
      history = history << 1 | (runnable() > processors ? 1 : 0);
    }
    return isSpare(history);
  }

  /** Of the last answers, 1 for each that said that all have work, the latest in the lowest bit. */
  static boolean isSpare(int history) {
    return Integer.bitCount(history & ANSWERS) <= MOST_BUSY;
  }

  private int runnable() {
    byte[] line = new byte[64];
    try {
      // One thread at a time is here, by nextAt; two would read a torn line at worst.
      loadavg.seek(0);
      int length = loadavg.read(line);
      return runnable(new String(line, 0, Math.max(length, 0), StandardCharsets.US_ASCII));
    } catch (IOException | IllegalArgumentException e) {
      return Integer.MAX_VALUE;
    }
  }

  /** Of a line like {@code 0.20 0.18 0.12 1/80 11206}: what stands before the slash. */
  static int runnable(String line) {
    int slash = line.indexOf('/');
    return Integer.parseInt(line.substring(line.lastIndexOf(' ', slash) + 1, Math.max(slash, 0)));
  }

  /** Of a list as the kernel writes it: {@code 0-3,8}. */
  static int processors(String list) {
    int count = 0;
    for (String range : list.split(",", -1)) {
      int dash = range.indexOf('-');
      count +=
          dash < 0
              ? 1
              : Integer.parseInt(range.substring(dash + 1))
                  - Integer.parseInt(range.substring(0, dash))
                  + 1;
    }
    return count;
  }
}
