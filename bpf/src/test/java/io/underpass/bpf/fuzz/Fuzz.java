/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.fuzz;

import io.underpass.protocol.HelperClient;
import io.underpass.protocol.HelperState;
import io.underpass.service.HelperConfig;
import io.underpass.testing.HelperProcess;
import io.underpass.testing.Pinning;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;

/**
 * Sends frames to a helper that is a process, and looks at what is left of them: {@code make fuzz
 * FRAMES=1000000 SEED=...}. Exit code 1 if anything is.
 */
public final class Fuzz {
  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final int THREADS = 8;

  /** Of the helper's own; a heap that grows to its bound is none. */
  private static final long MORE_KB = 40 << 10;

  private static final int MORE_DESCRIPTORS = 20;
  private static final int MORE_THREADS = 10;

  private final long frames;
  private final long seed;
  private final AtomicLong sent = new AtomicLong();
  private final AtomicLong answered = new AtomicLong();

  Fuzz(long frames, long seed) {
    this.frames = frames;
    this.seed = seed;
  }

  /** What a process has. */
  private record Size(long descriptors, long threads, long residentKb) {
    static Size of(long pid) throws IOException {
      Path process = Path.of("/proc/" + pid);
      long resident = 0;
      for (String line : Files.readAllLines(process.resolve("status"))) {
        if (line.startsWith("VmRSS:")) {
          resident = Long.parseLong(line.replaceAll("[^0-9]", ""));
        }
      }
      return new Size(count(process.resolve("fd")), count(process.resolve("task")), resident);
    }

    private static long count(Path folder) throws IOException {
      try (Stream<Path> files = Files.list(folder)) {
        return files.count();
      }
    }

    boolean isMoreThan(Size before) {
      return descriptors > before.descriptors + MORE_DESCRIPTORS
          || threads > before.threads + MORE_THREADS
          || residentKb > before.residentKb + MORE_KB;
    }
  }

  /** Whether the helper is as it was; says what happened. */
  boolean run() throws Exception {
    Path folder = Files.createTempDirectory("underpass-fuzz");
    Path socket = folder.resolve("helper.sock");
    try (HelperProcess _ = helper(folder, socket);
        HelperClient admin = HelperClient.connect(HelperConfig.adminSocketOf(socket), PATIENCE)) {
      long pid = admin.status().pid();
      send(socket, 1000); // what it loads once
      Size before = Size.of(pid);
      send(socket, frames);
      int registered = register(socket);
      Thread.sleep(Duration.ofSeconds(11)); // threads that have nothing to do end after 10
      Size after = Size.of(pid);
      System.out.printf(
          "%d frames, seed %d, %d answered; before %s, after %s; registered %d times since%n",
          sent.get(), seed, answered.get(), before, after, registered);
      return admin.status().registrations() == 0
          && admin.status().state() == HelperState.RUNNING
          && !after.isMoreThan(before);
    } finally {
      Files.deleteIfExists(folder.resolve("policy"));
      Files.deleteIfExists(folder);
    }
  }

  /** One that knows no port group, so that no frame registers. */
  private static HelperProcess helper(Path folder, Path socket) throws IOException {
    Path policy = Files.writeString(folder.resolve("policy"), "allow uid 0\n");
    Path pins = Pinning.newFolder();
    Path underpass = Path.of(System.getProperty("underpass.root", "."), "bin/underpass");
    List<String> command =
        Stream.of(underpass, "helper", "--socket", socket, "--policy", policy, "--pin-dir", pins)
            .map(Object::toString)
            .toList();
    return new HelperProcess(new ProcessBuilder(command).redirectErrorStream(true).start(), pins);
  }

  /** As a client without guile does. */
  private static int register(Path socket) throws IOException, InterruptedException {
    int count = 0;
    while (count < 5) {
      try (HelperClient client = HelperClient.connect(socket, PATIENCE)) {
        client.register("on").orThrow();
        count++;
      }
      Thread.sleep(100); // until the helper has seen the end of it
    }
    return count;
  }

  private void send(Path socket, long count) throws Exception {
    List<Callable<Void>> senders = new ArrayList<>();
    for (int i = 0; i < THREADS; i++) {
      Frames its = new Frames(seed + i);
      long share = count / THREADS;
      senders.add(
          () -> {
            for (long n = 0; n < share; n++) {
              send(socket, its);
            }
            return null;
          });
    }
    try (ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
      for (Future<Void> sender : threads.invokeAll(senders)) {
        sender.get();
      }
    }
  }

  private void send(Path socket, Frames frames) throws IOException, InterruptedException {
    try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
      ByteBuffer frame = ByteBuffer.wrap(frames.next());
      sent.incrementAndGet();
      try {
        if (frames.isSlow()) {
          for (int i = 0; i < frame.limit(); i++) {
            channel.write(frame.slice(i, 1));
          }
        } else {
          channel.write(frame);
        }
        channel.shutdownOutput();
        while (channel.read(ByteBuffer.allocate(8192)) >= 0) {
          answered.incrementAndGet();
        }
      } catch (IOException e) {
        // It was refused before all was sent, or read.
      }
    }
  }

  /** With {@code FRAMES=} and {@code SEED=}; each may be empty. */
  public static void main(String[] args) throws Exception {
    long frames = 1_000_000;
    long seed = System.nanoTime();
    for (String arg : args) {
      String[] words = arg.split("=", 2);
      if (words.length == 2 && !words[1].isEmpty()) {
        switch (words[0]) {
          case "FRAMES" -> frames = Long.parseLong(words[1]);
          case "SEED" -> seed = Long.parseLong(words[1]);
          default -> throw new IllegalArgumentException(arg);
        }
      }
    }
    System.exit(new Fuzz(frames, seed).run() ? 0 : 1);
  }
}
