/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.behaviour;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.IntConsumer;

/** Content and order. */
final class Streams {
  private static final int STREAM_BYTES = 1_500_000;
  private static final int LARGEST = 40_000;
  private static final int BULK_BYTES = 100_000_000;

  /** More than both buffers of a connection hold. */
  private static final int STALL_BYTES = 64 << 20;

  private static final int RECORD = 64;
  private static final int RECORDS = 1_000;
  private static final int LARGE_RECORD = 100_000;
  private static final int LARGE_RECORDS = 40;
  private static final int WRITERS = 4;

  /** With those of all writers, more than both buffers of a connection hold. */
  private static final int HELD_RECORDS = 100;

  private Streams() {}

  static void addTo(Map<String, Program.Behaviour> all) {
    all.put("requests and responses", Streams::requests);
    all.put("random sizes both ways", Streams::random);
    all.put("several writers", s -> writers(s, RECORD, RECORDS));
    all.put("several writers of large records", s -> writers(s, LARGE_RECORD, LARGE_RECORDS));
    all.put("several writers that are held", Streams::heldWriters);
    all.put("100 MB in one write", Streams::bulk);
    all.put("a stalled reader", Streams::stalled);
  }

  private static void requests(Scene scene) throws Exception {
    try (Pair pair = scene.pair()) {
      Random random = new Random(1);
      boolean equal = true;
      for (int i = 0; i < 90; i++) {
        if (i == 30) {
          scene.moment(pair);
        }
        byte[] request = bytes(random, 1 + random.nextInt(i % 9 == 0 ? 100_000 : 2_000));
        Task<byte[]> seen = scene.start(() -> pair.server().readUpTo(request.length));
        if (i == 60) {
          seen.awaitBlocked();
          scene.momentAmidCalls(pair);
        }
        pair.client().writeAll(request);
        equal &= Arrays.equals(request, seen.get());
        byte[] response = bytes(random, 1 + random.nextInt(3_000));
        pair.server().writeAll(response);
        equal &= Arrays.equals(response, pair.client().readUpTo(response.length));
      }
      scene.say("equal", equal);
      scene.check(pair);
    }
  }

  private static void random(Scene scene) throws Exception {
    try (Pair pair = scene.pair()) {
      CountDownLatch onTheWay = new CountDownLatch(2);
      Task<Void> there = scene.start(() -> write(pair.client(), 1, onTheWay));
      Task<Void> back = scene.start(() -> write(pair.server(), 2, onTheWay));
      Task<String> seenThere = scene.start(() -> compare(pair.server(), 1));
      Task<String> seenBack = scene.start(() -> compare(pair.client(), 2));
      onTheWay.await();
      scene.momentAmidCalls(pair);
      there.get();
      back.get();
      scene.say("there", seenThere.get());
      scene.say("back", seenBack.get());
      // Where a reader gets no turn, that many are queued (most_queued), and the rest goes by TCP.
      scene.redirected(pair.client(), STREAM_BYTES / 4);
      scene.redirected(pair.server(), STREAM_BYTES / 4);
      scene.check(pair);
    }
  }

  private static Void write(End to, long seed, CountDownLatch onTheWay) throws Exception {
    byte[] content = bytes(new Random(seed), STREAM_BYTES);
    Random sizes = new Random(seed + 10);
    for (int at = 0; at < content.length; ) {
      int most = sizes.nextInt(4) == 0 ? LARGEST : 600;
      int size = Math.min(content.length - at, 1 + sizes.nextInt(most));
      to.writeAll(ByteBuffer.wrap(content, at, size));
      if (at < STREAM_BYTES / 3 && at + size >= STREAM_BYTES / 3) {
        onTheWay.countDown();
      }
      at += size;
    }
    return null;
  }

  private static String compare(End from, long seed) throws Exception {
    byte[] content = bytes(new Random(seed), STREAM_BYTES);
    Random sizes = new Random(seed + 20);
    byte[] got = new byte[1 << 16];
    for (int at = 0; at < content.length; ) {
      int most = sizes.nextInt(4) == 0 ? got.length : 500;
      int want = Math.min(content.length - at, 1 + sizes.nextInt(most));
      int n = from.read(ByteBuffer.wrap(got, 0, want));
      if (n <= 0) {
        return "read " + n + " at " + at;
      }
      if (!Arrays.equals(got, 0, n, content, at, at + n)) {
        return "wrong after " + at;
      }
      at += n;
    }
    return "equal";
  }

  /** Each writer's records come whole and in its order. */
  private static void writers(Scene scene, int size, int records) throws Exception {
    try (Pair pair = scene.pair()) {
      CountDownLatch onTheWay = new CountDownLatch(WRITERS);
      List<Task<Void>> writers =
          startWriters(
              scene,
              pair.client(),
              size,
              records,
              i -> {
                if (i == records / 3) {
                  onTheWay.countDown();
                }
              });
      Task<String> reader = scene.start(() -> readRecords(pair.server(), size, records));
      onTheWay.await();
      scene.momentAmidCalls(pair);
      for (Task<Void> writer : writers) {
        writer.get();
      }
      scene.say("records", reader.get());
      scene.check(pair);
    }
  }

  /** At the change each is in its call: one is held by the reader, the others by that one. */
  private static void heldWriters(Scene scene) throws Exception {
    try (Pair pair = scene.pair()) {
      scene.moment(pair);
      AtomicLong written = new AtomicLong();
      List<Task<Void>> writers =
          startWriters(
              scene, pair.client(), LARGE_RECORD, HELD_RECORDS, i -> written.incrementAndGet());
      for (Task<Void> writer : writers) {
        awaitStalled(writer, written::get);
      }
      scene.say("held", writers.stream().noneMatch(Task::isDone));
      scene.queuedSome(pair.server());
      scene.momentWithUnread(pair);
      scene.say("still held", writers.stream().noneMatch(Task::isDone));
      scene.say("records", readRecords(pair.server(), LARGE_RECORD, HELD_RECORDS));
      for (Task<Void> writer : writers) {
        writer.get();
      }
      scene.check(pair);
    }
  }

  /**
   * @param written is told the number of each record that was written
   */
  private static List<Task<Void>> startWriters(
      Scene scene, End to, int size, int records, IntConsumer written) {
    // One write at a time may be outstanding on an asynchronous channel, and a write in
    // non-blocking mode, which a virtual thread's is, may take a part.
    boolean oneByOne =
        scene.api == Api.ASYNC
            || scene.api == Api.SELECTOR
            || (scene.api == Api.VIRTUAL && size > RECORD);
    ReentrantLock turn = new ReentrantLock();
    List<Task<Void>> writers = new ArrayList<>();
    for (int w = 0; w < WRITERS; w++) {
      byte id = (byte) w;
      writers.add(
          scene.start(
              () -> {
                for (int i = 0; i < records; i++) {
                  if (oneByOne) {
                    turn.lock();
                  }
                  try {
                    to.writeAll(record(id, i, size));
                  } finally {
                    if (oneByOne) {
                      turn.unlock();
                    }
                  }
                  written.accept(i);
                }
                return null;
              }));
    }
    return writers;
  }

  private static byte[] record(byte writer, int number, int size) {
    byte[] record = new byte[size];
    Arrays.fill(record, (byte) (writer * 31 + number));
    ByteBuffer.wrap(record).put(writer).putInt(number);
    return record;
  }

  private static String readRecords(End from, int size, int records) throws Exception {
    int[] next = new int[WRITERS];
    for (int i = 0; i < WRITERS * records; i++) {
      byte[] got = from.readUpTo(size);
      byte writer = got.length == size ? got[0] : -1;
      if (writer < 0
          || writer >= WRITERS
          || !Arrays.equals(got, record(writer, next[writer]++, size))) {
        return "wrong at " + i;
      }
    }
    return "all in order";
  }

  private static void bulk(Scene scene) throws Exception {
    ByteBuffer content = ByteBuffer.allocateDirect(BULK_BYTES);
    Random random = new Random(3);
    while (content.remaining() >= 8) {
      content.putLong(random.nextLong());
    }
    try (Pair pair = scene.pair()) {
      scene.moment(pair);
      ByteBuffer out = content.duplicate().flip();
      Task<Integer> writer = scene.start(() -> firstAndAll(pair.client(), out));
      // Nobody reads yet: it is held in the middle of its write.
      awaitStalled(writer, () -> 0);
      scene.momentWithUnread(pair);
      ByteBuffer expected = content.duplicate().flip();
      AtomicLong position = new AtomicLong();
      CountDownLatch half = new CountDownLatch(1);
      Task<String> reader = scene.start(() -> compareBulk(pair.server(), expected, position, half));
      half.await();
      scene.momentAmidCalls(pair);
      scene.say("seen", reader.get());
      int first = writer.get();
      // Of the others, each write takes what there is room for.
      boolean whole = scene.api != Api.SELECTOR && scene.api != Api.ASYNC;
      scene.say("first write", whole ? first : first > 0);
      scene.redirected(pair.client(), 1_000_000);
      scene.check(pair);
    }
  }

  private static int firstAndAll(End to, ByteBuffer out) throws Exception {
    int first = to.write(out);
    to.writeAll(out);
    return first;
  }

  private static String compareBulk(
      End from, ByteBuffer expected, AtomicLong position, CountDownLatch half) throws Exception {
    ByteBuffer got = ByteBuffer.allocate(1 << 18);
    try {
      while (expected.hasRemaining()) {
        got.clear().limit(Math.min(got.capacity(), expected.remaining()));
        int n = from.read(got);
        if (n <= 0) {
          return "read " + n + " at " + position;
        }
        got.flip();
        int at = expected.position();
        if (!expected.slice(at, n).equals(got)) {
          return "wrong after " + at;
        }
        expected.position(at + n);
        if (position.addAndGet(n) > BULK_BYTES / 2) {
          half.countDown();
        }
      }
      return position + " equal";
    } finally {
      half.countDown();
    }
  }

  private static void stalled(Scene scene) throws Exception {
    try (Pair pair = scene.pair()) {
      scene.moment(pair);
      byte[] block = bytes(new Random(4), 1 << 15);
      AtomicLong written = new AtomicLong();
      Task<Void> writer =
          scene.start(
              () -> {
                while (written.get() < STALL_BYTES) {
                  pair.client().writeAll(block);
                  written.addAndGet(block.length);
                }
                return null;
              });
      awaitStalled(writer, written::get);
      scene.say("held", !writer.isDone() && written.get() < STALL_BYTES);
      scene.redirected(pair.client(), 1_000_000);
      scene.queuedSome(pair.server());
      scene.momentWithUnread(pair);
      boolean equal = true;
      for (int at = 0; at < STALL_BYTES; at += block.length) {
        equal &= Arrays.equals(block, pair.server().readUpTo(block.length));
        if (at == STALL_BYTES / 2) {
          scene.momentWithUnread(pair); // the writer goes on as far as it can
        }
      }
      writer.get();
      scene.say("equal", equal);
      scene.check(pair);
    }
  }

  /** How far a writer has come. */
  interface Progress {
    long position();
  }

  /** Waits until a writer is held: it sleeps in its call, and gets no further. */
  static void awaitStalled(Task<?> writer, Progress progress) throws Exception {
    long before;
    do {
      before = progress.position();
      writer.awaitBlocked();
      Thread.sleep(60);
      writer.awaitBlocked();
    } while (progress.position() != before);
  }

  static byte[] bytes(Random random, int count) {
    byte[] bytes = new byte[count];
    random.nextBytes(bytes);
    return bytes;
  }
}
