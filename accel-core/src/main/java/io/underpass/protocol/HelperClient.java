package io.underpass.protocol;

import java.io.EOFException;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.CancelledKeyException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * One connection to the helper. Every wait has a bound, every reply has one, and there is no thread
 * of its own.
 *
 * <p>Calls may come from any thread and go one after the other. The first failure of the connection
 * (a time-out, a broken line, the end of it) closes it; a refusal by the helper arrives as {@link
 * WireException}, and the helper closes.
 */
public final class HelperClient implements AutoCloseable {
  /** How late {@link #awaitEnd} may be; each look is one system call. */
  private static final long LOOK_MILLIS = 1_000;

  private final SocketChannel channel;
  private final Selector selector;
  private volatile Duration timeout;

  /** Guarded by this. */
  private final ByteBuffer in = ByteBuffer.allocate(8192).flip();

  private HelperClient(SocketChannel channel, Selector selector, Duration timeout) {
    this.channel = channel;
    this.selector = selector;
    this.timeout = timeout;
  }

  /**
   * Connects.
   *
   * @param timeout how long to connect, and later how long each request may wait for the whole of
   *     its reply
   */
  public static HelperClient connect(Path socket, Duration timeout) throws IOException {
    SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
    Selector selector = null;
    try {
      // Not blocking: an interrupt of the caller then closes nothing, and the waits have bounds.
      channel.configureBlocking(false);
      selector = Selector.open();
      HelperClient client = new HelperClient(channel, selector, timeout);
      SelectionKey key = channel.register(selector, SelectionKey.OP_CONNECT);
      long deadline = System.nanoTime() + timeout.toNanos();
      boolean connected = channel.connect(UnixDomainSocketAddress.of(socket));
      while (!connected) {
        client.await(key, SelectionKey.OP_CONNECT, deadline);
        connected = channel.finishConnect();
      }
      key.interestOps(SelectionKey.OP_READ);
      return client;
    } catch (IOException | RuntimeException e) {
      if (selector != null) {
        selector.close();
      }
      channel.close();
      throw e;
    }
  }

  /** How long each request may wait from now on. */
  public void timeout(Duration timeout) {
    this.timeout = timeout;
  }

  /** Registers this process; the reply's fields are {@code id proto helper level}. */
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
      SelectionKey key = channel.keyFor(selector);
      if (key == null) {
        throw new ClosedChannelException();
      }
      long deadline = System.nanoTime() + timeout.toNanos();
      ByteBuffer out = ByteBuffer.wrap(request.toBytes());
      while (send(out) && out.hasRemaining()) {
        await(key, SelectionKey.OP_WRITE, deadline);
      }
      Reply.Parser reply = new Reply.Parser();
      LineBuffer lines = new LineBuffer(Wire.MAX_REPLY_LINE);
      while (true) {
        for (String line = lines.next(in); line != null; line = lines.next(in)) {
          Reply whole = reply.accept(line);
          if (whole != null) {
            return whole;
          }
        }
        int count;
        while ((count = channel.read(in.clear())) == 0) {
          await(key, SelectionKey.OP_READ, deadline);
        }
        in.flip();
        if (count < 0) {
          throw new EOFException("the helper closed the connection");
        }
      }
    } catch (IOException | RuntimeException e) {
      close();
      throw e;
    }
  }

  /** False if the helper has closed; what it said before, a refusal, is still there to be read. */
  private boolean send(ByteBuffer out) throws ClosedChannelException {
    try {
      channel.write(out);
      return true;
    } catch (ClosedChannelException e) {
      throw e;
    } catch (IOException e) {
      return false;
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
  public synchronized boolean isOpen() {
    try {
      // Outside of a call the helper has nothing to say: any byte is as wrong as the end.
      if (channel.isOpen() && channel.read(in.clear()) != 0) {
        close();
      }
    } catch (IOException e) {
      close();
    }
    in.position(in.limit());
    return channel.isOpen();
  }

  /** Ends the connection, and with it the registration. */
  @Override
  public void close() {
    try {
      channel.close();
      // The socket lives on until the selector has seen that the channel is closed.
      selector.close();
    } catch (IOException e) {
      // Nothing of it is in use any more.
    }
  }

  /**
   * Waits until the channel is ready for {@code op}; an interrupt is kept for the caller to see
   * afterwards.
   */
  private void await(SelectionKey key, int op, long deadline) throws IOException {
    boolean interrupted = false;
    try {
      key.interestOps(op);
      while (true) {
        long left = (deadline - System.nanoTime() + 999_999) / 1_000_000;
        if (left <= 0) {
          throw new SocketTimeoutException(
              "no answer from the helper within " + timeout.toMillis() + " ms");
        }
        selector.selectedKeys().clear();
        if (selector.select(left) > 0) {
          return;
        }
        interrupted |= Thread.interrupted();
      }
    } catch (CancelledKeyException | ClosedSelectorException e) {
      throw new ClosedChannelException();
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
