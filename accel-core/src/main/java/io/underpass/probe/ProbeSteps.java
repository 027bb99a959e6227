/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.probe;

import io.underpass.accel.Tuning.Fault;
import io.underpass.ffm.ChannelCalls;
import io.underpass.ffm.Errno;
import io.underpass.ffm.FlowLayouts;
import io.underpass.probe.ProbeBed.Pair;
import io.underpass.probe.ProbeStream.Wrong;
import io.underpass.protocol.SocketOptions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** What the probe tries, each on a connection of its own. */
final class ProbeSteps {
  private static final long WAIT_MILLIS = ProbeStream.WAIT_MILLIS;

  /** So long a thread needs, and more, to be asleep in the call that it was started for. */
  private static final long ASLEEP_MILLIS = 5;

  /** More than both buffers of a pair can come to; a sender that passes it is not held. */
  private static final int HELD_BYTES = 4 << 20;

  private static final int ENROL_SWEEPS = 10;
  private static final int WARM_ROUNDS = 200;
  private static final int CHUNK = 1000;

  private final ProbeBed bed;
  private final Pair ordered;
  private final Pair blocked;
  private final Pair selected;
  private final Pair halfClosed;
  private final Pair stalled;
  private final Pair counted;
  private final Pair left;

  /** Reads on {@link #blocked} from before the enrolment on. */
  private final CompletableFuture<ByteBuffer> reader = new CompletableFuture<>();

  ProbeSteps(ProbeBed bed) throws IOException {
    this.bed = bed;
    ordered = bed.connect();
    blocked = bed.connect();
    selected = bed.connect();
    halfClosed = bed.connect();
    stalled = bed.connect();
    counted = bed.connect();
    left = bed.connect();
  }

  /** All pairs come into the sockhashes; one with bytes under way by TCP, one with a reader. */
  void enrol() throws IOException, InterruptedException {
    ordered.there().send(CHUNK);
    ordered.back().send(CHUNK);
    start(
        reader,
        () -> {
          ByteBuffer in = ByteBuffer.allocate(CHUNK);
          blocked.server().read(in);
          return in;
        });
    Thread.sleep(ASLEEP_MILLIS);
    Pair[] all = {ordered, blocked, selected, halfClosed, stalled, counted, left};
    bed.adopt(all);
    for (int i = 0; i < ENROL_SWEEPS && bed.sweep() < 2 * all.length; i++) {
      // The last sockets may need another look.
    }
    bed.sweep();
    for (Pair pair : all) {
      if (!bed.isReady(pair)) {
        throw new Wrong(
            "a pair is not enrolled, its ends are in state "
                + bed.state(pair.client())
                + " and "
                + bed.state(pair.server()));
      }
    }
  }

  /** Bytes that go by TCP, by redirect and by TCP again are read in the order of their writing. */
  void order() throws IOException, InterruptedException {
    for (ProbeStream stream : new ProbeStream[] {ordered.there(), ordered.back()}) {
      stream.send(CHUNK / 2); // older bytes are unread: may not overtake them
      stream.expect(CHUNK / 4);
      stream.send(CHUNK / 2);
      stream.expect(stream.unread());
    }
    warm(ordered);
    for (ProbeStream stream : new ProbeStream[] {ordered.there(), ordered.back()}) {
      for (int i = 0; i < 4; i++) {
        long before = bed.redirectedBytes(stream.from);
        stream.send(CHUNK);
        bed.pause(true);
        stream.send(CHUNK); // behind it, by TCP
        bed.pause(false);
        stream.expect(CHUNK / 2);
        stream.send(CHUNK); // TCP still: the last one is unread
        stream.expect(stream.unread());
        if (i == 0 && bed.redirectedBytes(stream.from) != before + CHUNK) {
          throw new Wrong("messages are not redirected as the verdict decides");
        }
      }
    }
  }

  /** A reader that slept in recv when its socket was enrolled gets what is sent then. */
  void blockedReader() throws IOException, InterruptedException {
    blocked.there().send(CHUNK);
    ByteBuffer got = result(reader, "a reader that was blocked at enrolment is not woken");
    blocked.there().compare(got);
    blocked.there().expect(blocked.there().unread());
  }

  /** A selector that sleeps is woken by redirected bytes. */
  void selector() throws IOException, InterruptedException {
    warm(selected);
    SocketChannel to = selected.server();
    to.configureBlocking(false);
    try (Selector selector = Selector.open()) {
      to.register(selector, SelectionKey.OP_READ);
      CompletableFuture<Integer> woken = new CompletableFuture<>();
      start(woken, () -> selector.select(WAIT_MILLIS));
      Thread.sleep(ASLEEP_MILLIS);
      sendRedirected(selected);
      if (result(woken, "a selector hangs") != 1) {
        throw new Wrong("redirected bytes do not wake a selector");
      }
    }
    to.configureBlocking(true);
    selected.there().expect(CHUNK);
  }

  /**
   * The end comes after the redirected bytes, nothing can be written after it, and back it goes on.
   */
  void halfClose() throws IOException, InterruptedException {
    warm(halfClosed);
    sendRedirected(halfClosed);
    halfClosed.client().shutdownOutput();
    long written = ChannelCalls.write(ChannelCalls.descriptor(halfClosed.client()), 1);
    if (written != -Errno.EPIPE) {
      throw new Wrong("a write after shutdown gives " + written + ", not EPIPE");
    }
    halfClosed.there().expect(CHUNK);
    halfClosed.there().expectEnd();
    halfClosed.back().send(CHUNK);
    if (!bed.has(Fault.END)) {
      halfClosed.server().shutdownOutput();
    }
    halfClosed.back().expect(CHUNK);
    halfClosed.back().expectEnd();
  }

  /** A reader that does not read holds its sender, and later gets all of it. */
  void backPressure() throws IOException, InterruptedException {
    warm(stalled);
    ProbeStream stream = stalled.there();
    for (int refusals = 0; refusals < 3; ) {
      if (stream.offer(4096) == 0) {
        refusals++;
        Thread.sleep(1);
      } else if (stream.unread() > HELD_BYTES) {
        throw new Wrong("a reader that does not read holds nobody: " + HELD_BYTES + " bytes wait");
      }
    }
    SocketChannel from = stalled.client();
    from.configureBlocking(false);
    try (Selector selector = Selector.open()) {
      from.register(selector, SelectionKey.OP_WRITE);
      if (bed.seen(selector.selectNow(), Fault.WRITABLE, 1) != 0) {
        throw new Wrong("a sender that is held counts as writable");
      }
      stream.expect(stream.unread());
      if (bed.seen(selector.select(WAIT_MILLIS), Fault.HELD, 0) != 1) {
        throw new Wrong("a sender is not writable again when everything was read");
      }
    }
    from.configureBlocking(true);
  }

  /** The socket option that answers InputStream.available() counts both queues. */
  void available() throws IOException, InterruptedException {
    int fd = ChannelCalls.descriptor(counted.server());
    counted.there().send(CHUNK);
    arrive(fd, CHUNK, "bytes that came by TCP");
    counted.there().expect(CHUNK);
    warm(counted);
    sendRedirected(counted);
    arrive(fd, CHUNK, "redirected bytes");
    bed.pause(true);
    counted.there().send(CHUNK / 2);
    arrive(fd, CHUNK + CHUNK / 2, "bytes in both queues");
  }

  private static void arrive(int fd, int bytes, String what)
      throws IOException, InterruptedException {
    int answer = ask(fd);
    // What goes by TCP may need a softirq that is not ours.
    for (int i = 0; answer != bytes && i < WAIT_MILLIS; i++) {
      Thread.sleep(1);
      answer = ask(fd);
    }
    if (answer != bytes) {
      throw new Wrong(what + ": " + answer + " are said to be there, of " + bytes);
    }
  }

  private static int ask(int fd) throws IOException {
    return ChannelCalls.getOption(fd, SocketOptions.LEVEL, SocketOptions.AVAILABLE);
  }

  /** The kernel's own count, which only native code of a JVM asks, as after {@link #available}. */
  void fionread() throws IOException {
    int answer = bed.fionread(counted.server());
    long unread = counted.there().unread();
    counted.there().expect(unread);
    bed.pause(false);
    if (answer != unread) {
      throw new Wrong(
          "of "
              + unread
              + " bytes in both queues of an enrolled socket it counts "
              + answer
              + ": available() of the JDK is right, by the agent; what asks the kernel itself is told so");
    }
  }

  /** A socket with redirected bytes is not taken off before they are read, and then runs by TCP. */
  void unenrol() throws IOException, InterruptedException {
    warm(left);
    sendRedirected(left);
    bed.pause(true);
    bed.sweep();
    bed.sweep();
    left.there().send(CHUNK);
    left.there().expect(2 * CHUNK);
    for (int i = 0; bed.state(left.server()) != FlowLayouts.UP_PLAIN; i++) {
      if (i == ENROL_SWEEPS) {
        throw new Wrong("a socket with an empty queue cannot be taken off");
      }
      bed.sweep();
    }
    left.there().send(CHUNK);
    left.there().expect(CHUNK);
    left.back().send(CHUNK);
    left.back().expect(CHUNK);
  }

  /** Exchanges until both directions are redirected. */
  private void warm(Pair pair) throws IOException, InterruptedException {
    long there = bed.redirectedBytes(pair.client());
    long back = bed.redirectedBytes(pair.server());
    for (int i = 0; i < WARM_ROUNDS; i++) {
      pair.there().send(1);
      pair.there().expect(1);
      pair.back().send(1);
      pair.back().expect(1);
      if (bed.redirectedBytes(pair.client()) > there && bed.redirectedBytes(pair.server()) > back) {
        return;
      }
      if (i > 5) {
        Thread.sleep(1); // for an acknowledgement that is late
      }
    }
    throw new Wrong("nothing is redirected");
  }

  private void sendRedirected(Pair pair) throws IOException {
    long before = bed.redirectedBytes(pair.client());
    pair.there().send(CHUNK);
    if (bed.redirectedBytes(pair.client()) != before + CHUNK) {
      throw new Wrong("a message is not redirected though the flow is");
    }
  }

  private interface Call<T> {
    T run() throws IOException;
  }

  /** In a thread that is not waited for; closing the bed ends what it waits in. */
  private static <T> void start(CompletableFuture<T> result, Call<T> call) {
    Thread.ofPlatform()
        .daemon()
        .name("underpass-probe-reader")
        .start(
            () -> {
              try {
                result.complete(call.run());
              } catch (IOException | RuntimeException e) {
                result.completeExceptionally(e);
              }
            });
  }

  private static <T> T result(CompletableFuture<T> of, String ifLate)
      throws IOException, InterruptedException {
    try {
      return of.get(2 * WAIT_MILLIS, TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      throw new Wrong(ifLate);
    } catch (ExecutionException e) {
      throw new IOException(e.getCause());
    }
  }
}
