/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.behaviour;

import java.io.IOException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousSocketChannel;
import java.nio.channels.FileChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/** What channels offer beyond streams: several buffers in a call, and files. The server has one. */
final class Vectors {
  private static final int[] SIZES = {0, 1, 700, 0, 20_000, 3, 60_000, 0};
  private static final int FILE_BYTES = 3_000_000;

  /** More than both buffers of a connection hold. */
  private static final String RESET = "Connection reset by peer";

  private static final int HELD_BYTES = 24 << 20;

  private static final int HELD_BUFFERS = 12;
  private static final int PIECE = 700;

  private Vectors() {}

  static void addTo(Map<String, Program.Behaviour> all, Api api) {
    all.put("gather and scatter", Vectors::gather);
    all.put("a gathering write that is held", Vectors::heldGather);
    if (api != Api.ASYNC) { // such channels have no SO_LINGER
      all.put("linger 0 of the other while a gathering write is held", Vectors::resetGather);
    }
    if (api != Api.ASYNC) { // such channels cannot
      all.put("transfer of files", Vectors::transfer);
      all.put("a transfer to one that does not read", Vectors::heldTransfer);
      all.put("linger 0 of the other while a transfer is held", Vectors::resetTransfer);
      all.put("a transfer from one that does not write", Vectors::waitingTransfer);
    }
  }

  private static void gather(Scene scene) throws Exception {
    try (Pair pair = scene.pair()) {
      for (int round = 0; round < 6; round++) {
        if (round == 2) {
          scene.moment(pair);
        }
        ByteBuffer[] out = buffers(new Random(round));
        byte[] flat = flatten(out);
        Task<byte[]> seen = scene.start(() -> pair.client().readUpTo(flat.length));
        if (round == 4) {
          seen.awaitBlocked();
          scene.momentAmidCalls(pair);
        }
        while (out[SIZES.length - 2].hasRemaining()) {
          write(pair.server(), out);
        }
        scene.say("gathered, equal", Arrays.equals(flat, seen.get()));

        Task<Void> writer =
            scene.start(
                () -> {
                  pair.client().writeAll(flat);
                  return null;
                });
        ByteBuffer[] in = new ByteBuffer[SIZES.length];
        Arrays.setAll(in, i -> ByteBuffer.allocate(SIZES[i]));
        while (in[SIZES.length - 2].hasRemaining()) {
          read(pair.server(), in);
        }
        for (ByteBuffer buffer : in) {
          buffer.flip();
        }
        scene.say("scattered, equal", Arrays.equals(flat, flatten(in)));
        writer.get();
      }
      // Four rounds since the first change.
      scene.redirected(pair.server(), 4L * Arrays.stream(SIZES).sum());
      scene.redirected(pair.client(), 4L * Arrays.stream(SIZES).sum());
      scene.check(pair);
    }
  }

  private static void write(End end, ByteBuffer[] from) throws Exception {
    if (end.channel() instanceof AsynchronousSocketChannel channel) {
      CompletableFuture<Long> done = new CompletableFuture<>();
      channel.write(from, 0, from.length, 1, TimeUnit.MINUTES, done, AsyncEnd.handler());
      done.get();
    } else if (((SocketChannel) end.channel()).write(from) == 0) {
      pauseForRoom();
    }
  }

  private static void read(End end, ByteBuffer[] into) throws Exception {
    if (end.channel() instanceof AsynchronousSocketChannel channel) {
      CompletableFuture<Long> done = new CompletableFuture<>();
      channel.read(into, 0, into.length, 1, TimeUnit.MINUTES, done, AsyncEnd.handler());
      done.get();
    } else if (((SocketChannel) end.channel()).read(into) == 0) {
      pauseForRoom();
    }
  }

  /** In non-blocking mode, where these calls do not wait. */
  private static void pauseForRoom() throws InterruptedException {
    Thread.sleep(1);
  }

  private static ByteBuffer[] buffers(Random random) {
    ByteBuffer[] buffers = new ByteBuffer[SIZES.length];
    for (int i = 0; i < SIZES.length; i++) {
      ByteBuffer bytes = ByteBuffer.wrap(Streams.bytes(random, SIZES[i]));
      buffers[i] = i % 2 == 0 ? bytes : ByteBuffer.allocateDirect(SIZES[i]).put(bytes).flip();
    }
    return buffers;
  }

  private static byte[] flatten(ByteBuffer[] buffers) {
    ByteBuffer all = ByteBuffer.allocate(Arrays.stream(SIZES).sum());
    for (ByteBuffer buffer : buffers) {
      all.put(buffer.duplicate());
    }
    return all.array();
  }

  private static void transfer(Scene scene) throws Exception {
    Path from = Files.createTempFile("underpass", ".from");
    Path to = Files.createTempFile("underpass", ".to");
    try (Pair pair = scene.pair();
        FileChannel source = FileChannel.open(from);
        FileChannel target = FileChannel.open(to, StandardOpenOption.WRITE)) {
      SocketChannel channel = (SocketChannel) pair.server().channel();
      byte[] content = Streams.bytes(new Random(6), FILE_BYTES);
      Files.write(from, content);
      scene.moment(pair);
      Task<byte[]> seen = scene.start(() -> pair.client().readUpTo(FILE_BYTES));
      for (long at = 0; at < FILE_BYTES; ) {
        at = sent(source, at, channel);
      }
      scene.say("sent, equal", Arrays.equals(content, seen.get()));
      scene.redirected(pair.server(), 1_000_000);
      scene.moment(pair);
      seen = scene.start(() -> pair.client().readUpTo(FILE_BYTES));
      long sent = 0;
      while (sent < FILE_BYTES / 3) {
        sent = sent(source, sent, channel);
      }
      scene.momentAmidCalls(pair);
      while (sent < FILE_BYTES) {
        sent = sent(source, sent, channel);
      }
      scene.say("sent again, equal", Arrays.equals(content, seen.get()));

      Task<Void> writer =
          scene.start(
              () -> {
                pair.client().writeAll(content);
                return null;
              });
      for (long at = 0; at < FILE_BYTES; ) {
        long n = target.transferFrom(channel, at, Math.min(100_000, FILE_BYTES - at));
        at += n;
        if (n == 0) {
          pauseForRoom();
        }
      }
      writer.get();
      scene.say("received, equal", Arrays.equals(content, Files.readAllBytes(to)));
      scene.redirected(pair.client(), 1_000_000);
      scene.check(pair);
    } finally {
      Files.delete(from);
      Files.delete(to);
    }
  }

  /** Reads in two parts what a writer is held with, and compares it. */
  private static void readHeld(
      Scene scene, Pair pair, Task<String> writer, AtomicLong position, byte[] content)
      throws Exception {
    Streams.awaitStalled(writer, position::get);
    scene.say("held", !writer.isDone() && position.get() < HELD_BYTES);
    scene.queuedSome(pair.client());
    scene.momentWithUnread(pair);
    byte[] half = pair.client().readUpTo(HELD_BYTES / 2);
    scene.momentWithUnread(pair); // it goes on as far as it can
    byte[] rest = pair.client().readUpTo(HELD_BYTES / 2);
    scene.say("writer", writer.get());
    scene.say(
        "equal",
        Arrays.equals(half, 0, half.length, content, 0, HELD_BYTES / 2)
            && Arrays.equals(rest, 0, rest.length, content, HELD_BYTES / 2, HELD_BYTES));
    scene.redirected(pair.server(), 1_000_000);
    scene.check(pair);
  }

  private static void heldGather(Scene scene) throws Exception {
    try (Pair pair = scene.pair()) {
      scene.moment(pair);
      byte[] content = Streams.bytes(new Random(7), HELD_BYTES);
      AtomicLong position = new AtomicLong();
      Task<String> writer = gatherer(scene, pair, content, position);
      readHeld(scene, pair, writer, position, content);
    }
  }

  private static void resetGather(Scene scene) throws Exception {
    try (Pair pair = scene.pair()) {
      scene.moment(pair);
      AtomicLong position = new AtomicLong();
      Task<String> writer = gatherer(scene, pair, new byte[HELD_BYTES], position);
      resetHeld(scene, pair, writer::get, writer, position);
    }
  }

  private static Task<String> gatherer(
      Scene scene, Pair pair, byte[] content, AtomicLong position) {
    ByteBuffer[] out = new ByteBuffer[HELD_BUFFERS];
    int size = HELD_BYTES / HELD_BUFFERS;
    for (int i = 0; i < HELD_BUFFERS; i++) {
      ByteBuffer bytes = ByteBuffer.wrap(content, i * size, size);
      out[i] = i % 2 == 0 ? bytes : ByteBuffer.allocateDirect(size).put(bytes).flip();
    }
    return scene.start(
        () ->
            Scene.outcome(
                () -> {
                  while (out[HELD_BUFFERS - 1].hasRemaining()) {
                    write(pair.server(), out);
                    position.set(HELD_BYTES - remaining(out));
                  }
                  return "written";
                }));
  }

  /** What a writer that is held is told when the other end resets, and what it reads then. */
  private static void resetHeld(
      Scene scene, Pair pair, Callable<String> outcome, Task<String> writer, AtomicLong position)
      throws Exception {
    Streams.awaitStalled(writer, position::get);
    scene.queuedSome(pair.client());
    scene.momentWithUnread(pair);
    pair.client().set(StandardSocketOptions.SO_LINGER, 0);
    pair.client().close();
    scene.say("write", outcome.call());
    scene.tell("read", () -> pair.server().read(ByteBuffer.allocate(5)));
    scene.tell("read again", () -> pair.server().read(ByteBuffer.allocate(5)));
  }

  private static long remaining(ByteBuffer[] buffers) {
    return Arrays.stream(buffers).mapToLong(ByteBuffer::remaining).sum();
  }

  private static void heldTransfer(Scene scene) throws Exception {
    Path from = Files.createTempFile("underpass", ".from");
    try (Pair pair = scene.pair();
        FileChannel source = FileChannel.open(from)) {
      SocketChannel channel = (SocketChannel) pair.server().channel();
      byte[] content = Streams.bytes(new Random(8), HELD_BYTES);
      Files.write(from, content);
      scene.moment(pair);
      AtomicLong position = new AtomicLong();
      Task<String> writer = sender(scene, source, channel, position);
      readHeld(scene, pair, writer, position, content);
    } finally {
      Files.delete(from);
    }
  }

  private static void resetTransfer(Scene scene) throws Exception {
    Path from = Files.createTempFile("underpass", ".from");
    try (Pair pair = scene.pair();
        FileChannel source = FileChannel.open(from)) {
      SocketChannel channel = (SocketChannel) pair.server().channel();
      Files.write(from, new byte[HELD_BYTES]);
      scene.moment(pair);
      AtomicLong position = new AtomicLong();
      Task<String> writer = sender(scene, source, channel, position);
      // By TCP too, which of the two is chance: the kernel tries again after a part.
      resetHeld(scene, pair, () -> writer.get().replace("Broken pipe", RESET), writer, position);
    } finally {
      Files.delete(from);
    }
  }

  private static Task<String> sender(
      Scene scene, FileChannel source, SocketChannel channel, AtomicLong position) {
    return scene.start(
        () ->
            Scene.outcome(
                () -> {
                  while (position.get() < HELD_BYTES) {
                    long n = source.transferTo(position.get(), HELD_BYTES, channel);
                    position.addAndGet(n);
                    if (n == 0) {
                      pauseForRoom();
                    }
                  }
                  return "written";
                }));
  }

  /** The server waits in its call at the change, and for each piece after it. */
  private static void waitingTransfer(Scene scene) throws Exception {
    Path to = Files.createTempFile("underpass", ".to");
    try (Pair pair = scene.pair();
        FileChannel target = FileChannel.open(to, StandardOpenOption.WRITE)) {
      SocketChannel channel = (SocketChannel) pair.server().channel();
      byte[] content = Streams.bytes(new Random(9), 12 * PIECE);
      Task<Void> reader =
          scene.start(
              () -> {
                for (long at = 0; at < content.length; ) {
                  long n = target.transferFrom(channel, at, content.length - at);
                  at += n;
                  if (n == 0) {
                    pauseForRoom();
                  }
                }
                return null;
              });
      for (int at = 0; at < content.length; at += PIECE) {
        reader.awaitBlocked();
        if (at == 4 * PIECE || at == 8 * PIECE) {
          scene.momentAmidCalls(pair);
        }
        pair.client().writeAll(ByteBuffer.wrap(content, at, PIECE));
      }
      reader.get();
      scene.say("received, equal", Arrays.equals(content, Files.readAllBytes(to)));
      scene.check(pair);
    } finally {
      Files.delete(to);
    }
  }

  private static long sent(FileChannel source, long at, SocketChannel channel)
      throws IOException, InterruptedException {
    long n = source.transferTo(at, 100_000, channel);
    if (n == 0) {
      pauseForRoom();
    }
    return at + n;
  }
}
