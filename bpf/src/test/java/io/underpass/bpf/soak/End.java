/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.soak;

import io.underpass.bpf.soak.FlowRecords.View;
import io.underpass.ffm.ChannelCalls;
import io.underpass.ffm.NativeException;
import java.io.IOException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SocketChannel;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

/**
 * One end of a connection: does a step on the socket and compares what comes of it with the model.
 *
 * <p>One thread does the steps; reads are its too, or a reader's own (see {@link Reader}).
 */
final class End {
  /**
   * What the JDK says of urgent data that has no room: of a channel that does not block, and of one
   * that does, while a read with a timeout has it not block either.
   */
  private static final Set<String> NO_ROOM =
      Set.of("Socket buffer full", "No buffer space available");

  private final Side side;
  final SocketChannel channel;
  final Stream out;
  final Stream in;
  final Observed observed = new Observed();

  /** Readers have threads of their own: what a write finds out may reach them first. */
  private final boolean readByThread;

  private End peer;
  private volatile boolean shut;
  private volatile boolean closed;

  /** The kernel has told of the connection's error, and will not again. */
  private volatile boolean knowsOfError;

  private volatile boolean over;

  /** A write since the last look was taken in part, or not at all. */
  private volatile boolean cut;

  /**
   * TCP has taken the last write in part, or not at all. The kernel keeps the verdict on it, and
   * does not ask about the next one: the rest, of most programs, which is counted already.
   */
  private volatile boolean owed;

  /** Another thread writes; null if none does. Of the script's thread. */
  private Future<?> flood;

  /** Null where the script's steps read. */
  private Reader reader;

  End(Side side, SocketChannel channel, Stream out, Stream in, boolean readByThread) {
    this.side = side;
    this.channel = channel;
    this.out = out;
    this.in = in;
    this.readByThread = readByThread;
  }

  void connect(End other) {
    peer = other;
  }

  void readBy(Reader thread) {
    reader = thread;
  }

  /** Writes all of it, however long the other end takes to read; in a thread of its own. */
  void flood(int size, ExecutorService threads, Consumer<Throwable> trouble) {
    peer.reader.stall(true);
    flood =
        threads.submit(
            () -> {
              try {
                long until = out.written() + size;
                // What was shut down takes nothing more, which is no failure of the write.
                while (out.written() < until && !shut && !closed && !peer.closed) {
                  write((int) Math.min(until - out.written(), Schedules.LARGEST), 1);
                }
              } catch (IOException | RuntimeException | Mismatch e) {
                trouble.accept(e);
              } finally {
                cut = true; // nobody knows how much of it was written while what was the case
              }
            });
  }

  boolean isFlooding() {
    return flood != null;
  }

  /** Lets the other end read, and waits until all of it is taken. */
  void endFlood() throws IOException {
    if (flood == null) {
      return;
    }
    peer.reader.stall(false);
    try {
      flood.get(Connection.PATIENCE_SECONDS, TimeUnit.SECONDS);
      flood = null;
    } catch (TimeoutException e) {
      throw new Mismatch("a writer stays blocked, though the other end reads", e);
    } catch (InterruptedException | ExecutionException e) {
      throw new IOException(e);
    }
  }

  boolean isClosed() {
    return closed;
  }

  void write(int size, int pieces) throws IOException {
    if (closed) {
      return;
    }
    if (peer.closed) {
      in.mayReset(); // its answer to a byte that it cannot take
      knowsOfError |= readByThread;
    }
    ByteBuffer bytes = out.offer(size);
    long taken = 0;
    try {
      taken = pieces == 1 ? channel.write(bytes) : channel.write(split(bytes, pieces));
      if (shut) {
        throw new Mismatch(taken + " bytes taken after shutdownOutput");
      }
    } catch (ClosedChannelException e) {
      if (!shut) {
        throw e;
      }
    } catch (IOException e) {
      if (!peer.closed) {
        throw new Mismatch("write failed, though the other end is open", e);
      }
      knowsOfError = true;
    } finally {
      out.taken(taken);
      wrote(taken, size);
    }
  }

  private void wrote(long taken, int size) {
    cut |= owed || taken < size;
    owed = taken < size;
  }

  /** Reads once, into the buffer from its start; false if there is nothing more to come. */
  boolean read(ByteBuffer buffer, int most, int pieces) throws IOException {
    if (closed) {
      return false;
    }
    buffer.clear().limit(Math.min(most, buffer.capacity()));
    try {
      long size =
          pieces == 1
              ? channel.read(buffer)
              : channel.read(split(buffer, Math.min(pieces, buffer.limit())));
      return size < 0 ? atEnd() : received(buffer, (int) size);
    } catch (ClosedChannelException e) {
      if (!closed) {
        throw e;
      }
      return false;
    } catch (IOException e) {
      return failed(e);
    }
  }

  boolean received(ByteBuffer buffer, int size) {
    in.received(buffer.position(size));
    return true;
  }

  boolean atEnd() {
    in.ended(knowsOfError || shut);
    over = true;
    return false;
  }

  boolean failed(IOException error) {
    if (!closed) {
      in.failed(error);
      knowsOfError = true;
      over = true;
    }
    return false;
  }

  /** Whether all has been read that will come; the stream may be open still. */
  boolean hasReadAll() {
    return closed || over || (in.end() == Stream.End.OPEN && in.isAllRead());
  }

  /**
   * Nothing more comes, though the other end has reset the connection. By plain TCP that happens to
   * a reader whose receive queue once had no room for a segment: it announces no window then, takes
   * the next probe for one out of its window, and ignores the reset, whose number is not the one it
   * expects, with the answer to such a one left out for 500 ms (RFC 5961; {@code
   * tcp_invalid_ratelimit}).
   */
  boolean excuseLostReset() throws NativeException {
    boolean reset = in.end() == Stream.End.RESET || in.end() == Stream.End.EITHER;
    if (hasReadAll() || !reset || !peer.closed || TcpCounts.dropped(channel) == 0) {
      return false;
    }
    over = true;
    return true;
  }

  /**
   * Asks as the agent does, and where that has no answer, the kernel as the JDK does. What the
   * answer has to be is known where nobody reads meanwhile: TCP counts what it has received, and
   * the flow record what was redirected.
   *
   * @param records null where nothing keeps any
   */
  void available(FlowRecords records) throws IOException {
    if (closed) {
      return;
    }
    long most = in.outstanding();
    boolean known = records != null && !readByThread && !over && !peer.closed;
    View then = known ? records.of(channel) : View.NONE;
    long least = known ? arrived(records) : 0;
    int answer = Options.available(channel);
    if (answer > most) {
      throw new Mismatch(answer + " available, but only " + most + " were written and not read");
    }
    if (!known) {
      return;
    }
    int ofKernel = ChannelCalls.fionread(Options.fd(channel));
    most = Math.min(most, arrived(records));
    if (!records.of(channel).isAsThen(then)) {
      return; // a sweep came between
    }
    if (then.enrolled() && answer < 0) {
      throw new Mismatch("the answer is " + answer + ", in state " + then.state());
    }
    int right = answer >= 0 ? answer : ofKernel;
    if (right < least || right > most) {
      throw new Mismatch(right + " available, but " + least + " to " + most + " are to be read");
    }
  }

  /** Bytes that are here, by either way, and not read. */
  private long arrived(FlowRecords records) throws NativeException {
    long all = records.of(peer.channel).redirectedBytes() + TcpCounts.received(channel);
    return Math.min(all, in.written()) - in.read(); // a FIN counts too, but cannot be read
  }

  /**
   * At the end, when all is read: what was not redirected came by TCP, and nothing came by both.
   */
  void compareCounts(FlowRecords records) throws IOException {
    if (closed || peer.closed) {
      return;
    }
    long redirected = records.of(peer.channel).redirectedBytes();
    long received = TcpCounts.received(channel) - (peer.shut ? 1 : 0); // its FIN
    if (redirected + received != in.read()) {
      throw new Mismatch(
          "%d bytes counted as redirected, and %d came by TCP, of %d read"
              .formatted(redirected, received, in.read()));
    }
  }

  /** In line at the reader, so that it is a byte as others are. */
  void urgent() throws IOException {
    if (closed || shut) {
      return;
    }
    if (peer.closed) {
      in.mayReset();
      knowsOfError |= readByThread;
    }
    Options.pinTcp(channel);
    byte next = out.offer(1).get();
    int taken = 0;
    try {
      channel.socket().sendUrgentData(next);
      taken = 1;
    } catch (IOException e) {
      if (!peer.closed && !NO_ROOM.contains(e.getMessage())) {
        throw new Mismatch("urgent data failed, though the other end is open", e);
      }
      knowsOfError |= peer.closed;
    } finally {
      out.taken(taken);
      wrote(taken, 1);
    }
  }

  void pinTcp() {
    if (!closed) {
      Options.pinTcp(channel);
    }
  }

  void shutdown() throws IOException {
    if (closed || shut) {
      return;
    }
    shut = true;
    out.finish();
    knowsOfError |=
        peer.closed; // of a reset connection: plain TCP too says end of stream after this
    try {
      channel.shutdownOutput();
    } catch (IOException e) {
      if (!peer.closed) {
        throw new Mismatch("shutdownOutput failed, though the other end is open", e);
      }
    }
  }

  void close(boolean abort) throws IOException {
    if (closed) {
      return;
    }
    boolean unread = in.outstanding() > 0;
    // As the agent does: the kernel would send FIN where bytes in the psock queue were not read.
    boolean unreadInPsock = Options.unread(channel) > 0;
    if (abort || unreadInPsock) {
      channel.setOption(StandardSocketOptions.SO_LINGER, 0);
    }
    // Of two that were shut down both there may be nothing left to reset.
    if (peer.shut ? abort || unread : !abort && !unreadInPsock && unread) {
      out.mayReset();
    } else if (abort || unreadInPsock) {
      out.reset();
    } else {
      out.finish();
    }
    if (peer.isFlooding()) {
      out.mayReset(); // the answer to what comes after the close
      peer.knowsOfError = true;
    }
    closed = true;
    channel.close();
    wakeReader();
  }

  private void wakeReader() {
    if (reader != null) {
      reader.wake();
    }
  }

  /** Without regard to the model, when all is over. */
  synchronized void release() throws IOException {
    closed = true;
    if (!channel.isOpen()) {
      return;
    }
    channel.setOption(StandardSocketOptions.SO_LINGER, 0); // leaves no TIME_WAIT where it can
    channel.close();
    wakeReader();
  }

  void observe(FlowRecords records) throws NativeException {
    if (!closed) {
      boolean whole = !cut && flood == null;
      cut = flood != null;
      observed.see(records.of(channel), out.written() + in.written(), out.written(), whole);
    }
  }

  private static ByteBuffer[] split(ByteBuffer bytes, int pieces) {
    ByteBuffer[] parts = new ByteBuffer[pieces];
    int size = bytes.remaining();
    for (int i = 0; i < pieces; i++) {
      int from = (int) ((long) size * i / pieces);
      int to = (int) ((long) size * (i + 1) / pieces);
      parts[i] = bytes.slice(bytes.position() + from, to - from);
    }
    return parts;
  }

  @Override
  public String toString() {
    return side + (closed ? " (closed)" : "") + ": " + in;
  }
}
