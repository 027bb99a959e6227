package io.underpass.bpf.soak;

import io.underpass.ffm.NativeException;
import java.io.IOException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SocketChannel;

/**
 * One end of a connection: does a step on the socket and compares what comes of it with the model.
 *
 * <p>One thread does the steps; reads are its too, or a reader's own (see {@link Reader}).
 */
final class End {
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
    }
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

  void available() {
    if (closed) {
      return;
    }
    long most = in.outstanding();
    int answer = Options.available(channel);
    if (answer > most) {
      throw new Mismatch(answer + " available, but only " + most + " were written and not read");
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
    closed = true;
    channel.close();
  }

  /** Without regard to the model, when all is over. */
  synchronized void release() throws IOException {
    closed = true;
    if (!channel.isOpen()) {
      return;
    }
    channel.setOption(StandardSocketOptions.SO_LINGER, 0); // leaves no TIME_WAIT where it can
    channel.close();
  }

  void observe(FlowRecords records) throws NativeException {
    if (!closed) {
      observed.see(records.of(channel), out.written() + in.written());
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
