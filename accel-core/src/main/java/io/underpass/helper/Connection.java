/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.helper;

import io.underpass.ffm.UnixStream;
import io.underpass.protocol.ErrorCode;
import io.underpass.protocol.LineBuffer;
import io.underpass.protocol.Reply;
import io.underpass.protocol.Wire;
import io.underpass.protocol.WireException;
import io.underpass.service.Registration;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.util.Set;
import java.util.function.Consumer;

/**
 * One client of the control server: a request is read, answered, and the answer written before the
 * next is looked at. After an error's answer the connection is over.
 *
 * <p>Belongs to the server's thread.
 */
final class Connection {
  /** Who is at the other end, as the kernel said when it connected. */
  record Peer(int pid, int uid, int gid, Set<Integer> unixGroups) {}

  private static final long CLAIM_NANOS = 1_000_000_000L;

  /** No time-out runs. */
  static final long NEVER = Long.MAX_VALUE;

  private final SocketChannel channel;
  private final SelectionKey key;
  private final Peer peer;
  private final Tenant tenant;
  private final Consumer<Connection> over;
  private final LineBuffer lines = new LineBuffer(Wire.MAX_REQUEST);
  private final ByteBuffer in = ByteBuffer.allocate(Wire.MAX_REQUEST).flip();

  /** The rest of the reply; null when there is none. */
  private ByteBuffer out;

  /** Whether the reply in {@link #out} is the last. */
  private boolean last;

  /** A request is with the server: nothing is read, and no time-out runs. */
  private boolean busy;

  private boolean closed;
  private long deadline = NEVER;

  /** Until when it has to register. */
  private final long registerBy;

  /** Set once, by REGISTER. */
  private Registration registration;

  /** When its process was last looked at; {@code System.nanoTime}. */
  private long claimedAt = System.nanoTime() - CLAIM_NANOS;

  /** Of the port group; empty for none. */
  private String group = "";

  /**
   * @param registerBy {@link #NEVER} if it does not have to
   * @param over is told once, when the connection is over; the socket is still to be closed
   */
  Connection(
      SocketChannel channel,
      SelectionKey key,
      Peer peer,
      Tenant tenant,
      long registerBy,
      Consumer<Connection> over) {
    this.channel = channel;
    this.key = key;
    this.peer = peer;
    this.tenant = tenant;
    this.registerBy = registerBy;
    this.over = over;
  }

  /**
   * Does what can be done without waiting, up to one request, so that others get a turn.
   *
   * @return a request, which {@link #answer} answers; null if there is none yet
   */
  String advance(long now, long patienceNanos) {
    try {
      if (!flush() || !(in.hasRemaining() || fill())) {
        return null;
      }
      String line = lines.next(in);
      if (line != null) {
        deadline = NEVER;
        busy = true;
        key.interestOps(0);
        return line;
      }
      if (lines.isPartial() && deadline == NEVER) {
        deadline = now + patienceNanos;
      }
      key.interestOps(SelectionKey.OP_READ);
    } catch (WireException e) {
      answer(e.toReply(), now + patienceNanos);
    } catch (IOException e) {
      close();
    }
    return null;
  }

  /** The time-out has come: an unfinished request is told so, an unread reply cut off. */
  void expire(long now, long patienceNanos) {
    if (out != null) {
      close();
      return;
    }
    String message =
        lines.isPartial() ? "the request was not finished in time" : "nobody registered in time";
    answer(Reply.error(ErrorCode.TIMEOUT, message), now + patienceNanos);
  }

  /** Sends what the request gets, or an error that is no answer to one. */
  void answer(Reply reply, long until) {
    busy = false;
    if (closed) {
      return;
    }
    try {
      out = ByteBuffer.wrap(reply.toBytes());
      tenant.addUnread(out.remaining());
      last = reply.code() != null;
      deadline = until;
      if (flush()) {
        // Writable at once: the rest of the input, if there is some, gets its turn then.
        key.interestOps(in.hasRemaining() ? SelectionKey.OP_WRITE : SelectionKey.OP_READ);
      }
    } catch (IOException e) {
      close();
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
    tenant.addUnread(-channel.write(out));
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
    int count = UnixStream.read(channel, in.clear());
    in.flip();
    if (count == UnixStream.DESCRIPTORS) {
      throw new WireException(ErrorCode.MALFORMED, "descriptors were sent along");
    }
    if (count == UnixStream.END) {
      close();
    } else if (count == 0) {
      key.interestOps(SelectionKey.OP_READ);
    }
    return count > 0;
  }

  void close() {
    if (closed) {
      return;
    }
    closed = true;
    if (out != null) {
      tenant.addUnread(-out.remaining());
      out = null;
    }
    over.accept(this);
  }

  boolean isClosed() {
    return closed;
  }

  /** By {@link System#nanoTime}; {@link #NEVER} if none runs. */
  long deadline() {
    if (busy || closed) {
      return NEVER;
    }
    return registration == null ? Math.min(deadline, registerBy) : deadline;
  }

  Peer peer() {
    return peer;
  }

  Tenant tenant() {
    return tenant;
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
    tenant.addUnregistered(-1);
  }
}
