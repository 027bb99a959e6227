package io.underpass.bpf.behaviour;

import java.io.IOException;
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
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** What channels offer beyond streams: several buffers in a call, and files. The server has one. */
final class Vectors {
  private static final int[] SIZES = {0, 1, 700, 0, 20_000, 3, 60_000, 0};
  private static final int FILE_BYTES = 3_000_000;

  private Vectors() {}

  static void addTo(Map<String, Program.Behaviour> all, Api api) {
    all.put("gather and scatter", Vectors::gather);
    if (api != Api.ASYNC) { // such channels cannot
      all.put("transfer of files", Vectors::transfer);
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

  private static long sent(FileChannel source, long at, SocketChannel channel)
      throws IOException, InterruptedException {
    long n = source.transferTo(at, 100_000, channel);
    if (n == 0) {
      pauseForRoom();
    }
    return at + n;
  }
}
