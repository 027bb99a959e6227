package io.underpass.helper;

import io.underpass.protocol.ErrorCode;
import io.underpass.protocol.LineBuffer;
import io.underpass.protocol.Reply;
import io.underpass.protocol.Wire;
import io.underpass.protocol.WireException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.util.Set;

/**
 * One client of the control server: a request is read, answered, and the answer written before the
 * next is looked at. After an error's answer the connection is over.
 *
 * <p>Belongs to the server's thread.
 */
final class Connection {
  /** Who is at the other end, as the kernel said when it connected. */
  record Peer(int pid, int uid, int gid, Set<Integer> groups) {}

  private static final long CLAIM_NANOS = 1_000_000_000L;

  /** No time-out runs. */
  static final long NEVER = Long.MAX_VALUE;

  private final SocketChannel channel;
  private final SelectionKey key;
  private final Peer peer;
  private final LineBuffer lines = new LineBuffer(Wire.MAX_REQUEST);
  private final ByteBuffer in = ByteBuffer.allocate(Wire.MAX_REQUEST).flip();

  /** The rest of the reply; null when there is none. */
  private ByteBuffer out;

  /** Whether the reply in {@link #out} is the last. */
  private boolean last;

  private boolean closed;
  private long deadline = NEVER;

  /** Set once, by REGISTER. */
  private Registration registration;

  /** When its process was last looked at; {@code System.nanoTime}. */
  private long claimedAt = System.nanoTime() - CLAIM_NANOS;

  /** Of the port group; empty for none. */
  private String group = "";

  Connection(SocketChannel channel, SelectionKey key, Peer peer) {
    this.channel = channel;
    this.key = key;
    this.peer = peer;
  }

  /** Answers one line. */
  @FunctionalInterface
  interface Handler {
    /** Null if the answer comes later, by {@link Connection#answer}; until then nothing is read. */
    Reply answer(Connection connection, String line);
  }

  /** Does what can be done without waiting, and at most one request, so that others get a turn. */
  void advance(Handler handler, long now, long patienceNanos) {
    try {
      if (!flush()) {
        return;
      }
      if (!in.hasRemaining() && !fill()) {
        return;
      }
      String line;
      try {
        line = lines.next(in);
      } catch (WireException e) {
        reply(e.toReply(), now + patienceNanos);
        return;
      }
      if (line != null) {
        deadline = NEVER;
        Reply reply = handler.answer(this, line);
        if (reply == null) {
          key.interestOps(0);
        } else {
          reply(reply, now + patienceNanos);
        }
        return;
      }
      if (lines.isPartial() && deadline == NEVER) {
        deadline = now + patienceNanos;
      }
      key.interestOps(SelectionKey.OP_READ);
    } catch (IOException e) {
      close();
    }
  }

  /** The time-out has come: an unfinished request is told so, an unread reply cut off. */
  void expire(long now, long patienceNanos) {
    if (out != null) {
      close();
      return;
    }
    try {
      String message = "the request was not finished in time";
      reply(Reply.error(ErrorCode.TIMEOUT, message), now + patienceNanos);
    } catch (IOException e) {
      close();
    }
  }

  /** The answer that a handler owed. */
  void answer(Reply reply, long deadlineNanos) {
    try {
      if (!closed) {
        reply(reply, deadlineNanos);
      }
    } catch (IOException gone) {
      close();
    }
  }

  /** Sends an error that is no answer to a request, and closes. */
  void refuse(WireException e, long deadlineNanos) {
    try {
      reply(e.toReply(), deadlineNanos);
    } catch (IOException gone) {
      close();
    }
  }

  private void reply(Reply reply, long until) throws IOException {
    out = ByteBuffer.wrap(reply.toBytes());
    last = reply.code() != null;
    deadline = until;
    if (flush()) {
      // Writable at once: the rest of the input, if there is some, gets its turn then.
      key.interestOps(in.hasRemaining() ? SelectionKey.OP_WRITE : SelectionKey.OP_READ);
    }
  }

  /** False if the connection is over, or the reply has not all gone out. */
  private boolean flush() throws IOException {
    if (closed) {
      return false;
    }
    if (out == null) {
      return true;
    }
    channel.write(out);
    if (out.hasRemaining()) {
      key.interestOps(SelectionKey.OP_WRITE);
      return false;
    }
    out = null;
    deadline = NEVER;
    if (last) {
      close();
    }
    return !last;
  }

  /** False if there was nothing to read. */
  private boolean fill() throws IOException {
    int count = channel.read(in.clear());
    in.flip();
    if (count < 0) {
      close();
    } else if (count == 0) {
      key.interestOps(SelectionKey.OP_READ);
    }
    return count > 0;
  }

  void close() {
    closed = true;
    deadline = NEVER;
    out = null;
    try {
      channel.close();
    } catch (IOException e) {
      // It is over either way.
    }
  }

  boolean isClosed() {
    return closed;
  }

  /** By {@link System#nanoTime}; {@link #NEVER} if none runs. */
  long deadline() {
    return deadline;
  }

  /** Bytes of the reply that the client has not taken yet. */
  int pendingBytes() {
    return out == null ? 0 : out.remaining();
  }

  Peer peer() {
    return peer;
  }

  SocketChannel channel() {
    return channel;
  }

  /** Null before REGISTER. */
  Registration registration() {
    return registration;
  }

  /** The name of the port group that it has joined; empty if none. */
  String group() {
    return group;
  }

  /** Whether its process may have itself looked at now; if so, not again for a while. */
  boolean mayClaim(long now) {
    if (now - claimedAt < CLAIM_NANOS) {
      return false;
    }
    claimedAt = now;
    return true;
  }

  void register(Registration made, String joined) {
    registration = made;
    group = joined;
  }
}
