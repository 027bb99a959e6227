/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.protocol;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * One connection to the helper. Every wait has a bound and every reply has one, whatever the other
 * end is and does.
 *
 * <p>Calls may come from any thread and go one after the other. The first failure of the connection
 * (a time-out, a broken line, the end of it) closes it; a refusal by the helper arrives as {@link
 * WireException}, and the helper closes.
 */
public final class HelperClient implements AutoCloseable {
  /** Where the helper listens unless it is told otherwise. */
  public static final Path DEFAULT_SOCKET = Path.of("/run/underpass/helper.sock");

  /** How late {@link #awaitEnd} may be; each look is one system call. */
  private static final long LOOK_MILLIS = 1_000;

  private final HelperSocket socket;
  private volatile Duration timeout;

  /** Looks at who is at the other end, before anything is said to him. */
  public interface Check {
    /** Throws why the connection is not to be used; it may take its time. */
    void check(SocketChannel channel) throws IOException;
  }

  private HelperClient(HelperSocket socket, Duration timeout) {
    this.socket = socket;
    this.timeout = timeout;
  }

  /**
   * Connects.
   *
   * @param timeout how long to connect, and later how long each request may wait for the whole of
   *     its reply
   */
  public static HelperClient connect(Path path, Duration timeout) throws IOException {
    return connect(path, timeout, null);
  }

  /**
   * Likewise, to a helper that passes the check, which is null for none.
   *
   * @param timeout is for the check as well
   */
  public static HelperClient connect(Path path, Duration timeout, Check check) throws IOException {
    HelperSocket socket = HelperSocket.open();
    try {
      socket.call(new Connecting(socket, path, check), timeout);
      return new HelperClient(socket, timeout);
    } catch (IOException | RuntimeException e) {
      socket.end();
      throw e;
    }
  }

  /** How long each request may wait from now on. */
  public void timeout(Duration timeout) {
    this.timeout = timeout;
  }

  /** Registers this process; the reply's fields are {@code id proto helper}, and more. */
  public Reply register(String enabled) throws IOException {
    return call(Request.register(enabled)).orThrow();
  }

  /**
   * Registers this process as a member of a port group; the reply has the fields {@code group} and
   * {@code identity} too. A refusal closes the connection, and nothing is registered.
   */
  public Reply register(String enabled, GroupWish wish) throws IOException {
    return call(Request.register(enabled, wish)).orThrow();
  }

  /**
   * The same, and promises to call {@link #datagrams} before this process has a datagram socket.
   */
  public Reply registerWithoutDatagrams(String enabled, GroupWish wish) throws IOException {
    return call(Request.registerWithoutDatagrams(enabled, wish)).orThrow();
  }

  /** The same of a process whose sockets are not to be accelerated. */
  public Reply registerForPorts(GroupWish wish) throws IOException {
    return call(Request.registerForPorts(wish)).orThrow();
  }

  /**
   * This process has sockets that its registration does not reach; when this returns, they can be
   * asked for again.
   */
  public void claim() throws IOException {
    call(Request.claim()).orThrow();
  }

  /**
   * This process is about to make its first datagram socket; when this returns, its group's ports
   * are translated for it.
   */
  public void datagrams() throws IOException {
    call(Request.datagrams()).orThrow();
  }

  /** The totals of this connection's registration. */
  public Totals totals() throws IOException {
    return Totals.fromWire(call(Request.totals()).orThrow().fields());
  }

  /** At most {@code limit} flows, most bytes first. */
  public List<FlowView> flows(int limit) throws IOException {
    List<FlowView> flows = new ArrayList<>();
    for (Map<String, String> record : call(Request.flows(limit)).orThrow().records()) {
      flows.add(FlowView.fromWire(record));
    }
    return flows;
  }

  /**
   * The bound ports of groups that the caller may see: a member those of its group, administration
   * all, others their own.
   */
  public List<PortView> ports(Request request) throws IOException {
    List<PortView> ports = new ArrayList<>();
    for (Map<String, String> record : call(request).orThrow().records()) {
      ports.add(PortView.fromWire(record));
    }
    return ports;
  }

  /** The helper's state. */
  public Status status() throws IOException {
    return Status.fromReply(call(Request.status()));
  }

  /**
   * Ends the helper in good order; waits as long as it takes, which is {@code waitSeconds} and a
   * few more at the most.
   */
  public Drained drain(int waitSeconds) throws IOException {
    timeout(timeout.plusSeconds(waitSeconds));
    return Drained.fromReply(call(Request.drain(waitSeconds)));
  }

  /** Sends a request and waits for its reply, which may be an error. */
  public synchronized Reply call(Request request) throws IOException {
    try {
      return socket.call(new Exchange(socket, request), timeout);
    } catch (IOException | RuntimeException e) {
      close();
      throw e;
    }
  }

  /**
   * Waits until the connection is over, whoever ends it: the helper, {@link #close}, or a failed
   * call.
   *
   * <p>It looks once in a while. A thread that waits in a system call instead costs every JVM 300
   * ms when it exits: that long the JVM waits for threads in native code
   * (VM_Exit::wait_for_threads_in_native_to_block).
   */
  public void awaitEnd() throws InterruptedException {
    while (isOpen()) {
      Thread.sleep(LOOK_MILLIS);
    }
  }

  /** Whether the connection lives, by a look at it that does not wait. */
  public boolean isOpen() {
    try {
      // Outside of a call the helper has nothing to say: any byte is as wrong as the end.
      if (socket.isQuiet()) {
        return true;
      }
    } catch (IOException e) {
      // Then it is over as well.
    }
    close();
    return false;
  }

  /** Ends the connection, and with it the registration. */
  @Override
  public void close() {
    socket.end();
  }

  // No lambdas on the way of a start: the first one of a JVM is milliseconds.

  private record Connecting(HelperSocket socket, Path path, Check check)
      implements HelperSocket.Call<Void> {
    @Override
    public Void make() throws IOException {
      socket.connect(path);
      if (check != null) {
        check.check(socket.channel());
      }
      return null;
    }
  }

  private record Exchange(HelperSocket socket, Request request)
      implements HelperSocket.Call<Reply> {
    @Override
    public Reply make() throws IOException {
      send();
      Reply.Parser reply = new Reply.Parser();
      LineBuffer lines = new LineBuffer(Wire.MAX_REPLY_LINE);
      ByteBuffer in = ByteBuffer.allocate(8192);
      while (socket.read(in.clear()) >= 0) {
        in.flip();
        for (String line = lines.next(in); line != null; line = lines.next(in)) {
          Reply whole = reply.accept(line);
          if (whole != null) {
            if (in.hasRemaining()) {
              throw Wire.malformed("more than the reply to one request");
            }
            return whole;
          }
        }
      }
      throw new EOFException("the helper closed the connection");
    }

    /** The helper may have closed; what it said before, a refusal, is still there to be read. */
    private void send() throws ClosedChannelException {
      try {
        socket.write(ByteBuffer.wrap(request.toBytes()));
      } catch (ClosedChannelException e) {
        throw e;
      } catch (IOException e) {
        return; // the read that follows tells the end
      }
    }
  }
}
