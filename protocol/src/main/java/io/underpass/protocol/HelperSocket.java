/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.protocol;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The socket of one connection to a helper, touched only by threads that may hang alone: whoever
 * waits for one of them gets its answer, or is told in time that there is none.
 *
 * <p>A byte on a unix socket can bring descriptors along. Java has no room for them, so the kernel
 * drops them in the thread that reads. If one of them is the last of a TCP socket that lingers, the
 * thread waits as long as the sender of it likes. A close that throws away what was not read is the
 * same. Before Linux 6.16 ({@code SO_PASSRIGHTS}) nobody can refuse them.
 */
final class HelperSocket {
  /** So many threads of this process may hang at a time; then there are no more calls. */
  static final int MAX_HANGING = 8;

  /** For a close, which takes some microseconds where nobody means harm. */
  private static final long CLOSE_NANOS = 50_000_000;

  private static final AtomicInteger HANGING = new AtomicInteger();

  private final SocketChannel channel;
  private final Selector selector;
  private final SelectionKey key;

  /** A call is under way. Guarded by this. */
  private boolean busy;

  /** Nothing is called any more, and the last thread closes. Guarded by this. */
  private boolean ended;

  /** What one thread does with the socket. */
  interface Call<T> {
    T make() throws IOException;
  }

  private HelperSocket(SocketChannel channel, Selector selector, SelectionKey key) {
    this.channel = channel;
    this.selector = selector;
    this.key = key;
  }

  /** One that is not connected yet. */
  static HelperSocket open() throws IOException {
    SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
    Selector selector = null;
    try {
      // Not blocking: a close then ends every wait.
      channel.configureBlocking(false);
      selector = Selector.open();
      return new HelperSocket(channel, selector, channel.register(selector, 0));
    } catch (IOException | RuntimeException e) {
      if (selector != null) {
        selector.close();
      }
      channel.close();
      throw e;
    }
  }

  /**
   * Has a thread make the call, and waits for it. One call at a time: the caller sees to that. An
   * interrupt is kept for the caller to see afterwards.
   *
   * @throws SocketTimeoutException if it is not done in time; the connection is then over
   */
  <T> T call(Call<T> call, Duration patience) throws IOException {
    synchronized (this) {
      if (ended) {
        throw new ClosedChannelException();
      }
      if (HANGING.get() >= MAX_HANGING) {
        throw new IOException(MAX_HANGING + " earlier calls of a helper hang");
      }
      busy = true;
    }
    Task<T> task = new Task<>(call);
    task.start();
    if (!task.await(patience.toNanos())) {
      end();
      throw new SocketTimeoutException(
          "no answer from the helper within " + patience.toMillis() + " ms");
    }
    return task.outcome();
  }

  /**
   * Whether the connection lives and the helper has said nothing unasked. Reads nothing, and does
   * not wait; while a call is under way that call finds out.
   */
  synchronized boolean isQuiet() throws IOException {
    if (ended || busy) {
      return !ended;
    }
    key.interestOps(SelectionKey.OP_READ);
    selector.selectedKeys().clear();
    return selector.selectNow() == 0;
  }

  /** Ends the connection: now, or as soon as the call that is under way comes back. */
  void end() {
    synchronized (this) {
      if (ended) {
        return;
      }
      ended = true;
      if (busy) {
        selector.wakeup();
        return;
      }
    }
    Task<Void> closing = new Task<>(null);
    closing.start();
    closing.await(CLOSE_NANOS);
  }

  /** Connects; in a call. */
  void connect(Path path) throws IOException {
    boolean connected = channel.connect(UnixDomainSocketAddress.of(path));
    while (!connected) {
      await(SelectionKey.OP_CONNECT);
      connected = channel.finishConnect();
    }
  }

  /** The channel, for what else is to be asked of it; in a call. */
  SocketChannel channel() {
    return channel;
  }

  /** Writes all of it; in a call. */
  void write(ByteBuffer bytes) throws IOException {
    while (channel.write(bytes) >= 0 && bytes.hasRemaining()) {
      await(SelectionKey.OP_WRITE);
    }
  }

  /** Reads some bytes, or -1 for the end; in a call. */
  int read(ByteBuffer into) throws IOException {
    int count;
    while ((count = channel.read(into)) == 0) {
      await(SelectionKey.OP_READ);
    }
    return count;
  }

  /** Waits until the channel is ready; it is the caller who knows how long that may take. */
  private void await(int op) throws IOException {
    key.interestOps(op);
    do {
      if (isEnded()) {
        throw new ClosedChannelException();
      }
      selector.selectedKeys().clear();
      Thread.interrupted(); // by whomever: with it no select waits
    } while (selector.select() == 0);
  }

  private synchronized boolean isEnded() {
    return ended;
  }

  /** A thread with one call, or with none: then it closes. */
  private final class Task<T> implements Runnable {
    private final Call<T> call;
    private T result;
    private Throwable failure;

    /** Guarded by the socket, like the next. */
    private boolean done;

    private boolean late;

    Task(Call<T> call) {
      this.call = call;
    }

    void start() {
      try {
        // Without the caller's inheritable thread locals, which are the application's.
        Thread thread = new Thread(null, this, "underpass-helper", 0, false);
        thread.setDaemon(true);
        thread.setContextClassLoader(null);
        thread.start();
      } catch (Throwable e) {
        failure = e; // the process may have no more threads
        if (!finishUnlessEnded()) {
          finish();
        }
      }
    }

    @Override
    public void run() {
      try {
        result = call == null ? null : call.make();
      } catch (Throwable e) {
        failure = e;
      }
      if (!finishUnlessEnded()) {
        close();
        finish();
      }
    }

    /** False: the connection was ended meanwhile, and this thread closes it. */
    private boolean finishUnlessEnded() {
      synchronized (HelperSocket.this) {
        if (!ended) {
          busy = false;
          finish();
        }
        return !ended;
      }
    }

    private void close() {
      try {
        channel.close();
        // The socket lives on until the selector has seen that the channel is closed.
        selector.close();
      } catch (IOException e) {
        // Nothing of it is in use any more.
      }
    }

    private void finish() {
      synchronized (HelperSocket.this) {
        done = true;
        if (late) {
          HANGING.decrementAndGet();
        }
        HelperSocket.this.notifyAll();
      }
    }

    /** Whether it was done in time; else it counts as one that hangs until it is. */
    boolean await(long nanos) {
      long end = System.nanoTime() + nanos;
      boolean interrupted = false;
      synchronized (HelperSocket.this) {
        while (!done && !late) {
          long left = end - System.nanoTime();
          if (left <= 0) {
            late = true;
            HANGING.incrementAndGet();
          } else {
            try {
              TimeUnit.NANOSECONDS.timedWait(HelperSocket.this, left);
            } catch (InterruptedException e) {
              interrupted = true;
            }
          }
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
      return !late;
    }

    /** What came of the call; after it was done. */
    T outcome() throws IOException {
      if (failure == null) {
        return result;
      }
      if (failure instanceof IOException e) {
        throw e;
      }
      if (failure instanceof RuntimeException e) {
        throw e;
      }
      throw new IOException(failure);
    }
  }
}
