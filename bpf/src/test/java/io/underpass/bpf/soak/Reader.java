/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.soak;

import io.underpass.bpf.soak.Script.Reading;
import java.io.IOException;
import java.io.InputStream;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/** A thread that reads one end until nothing more comes, and sits in the kernel meanwhile. */
final class Reader implements Runnable {
  private static final int SIZE = 1 << 16;

  private final End end;

  /** Null where the channel itself is read. */
  private final InputStream timed;

  /** Null where nobody selects. */
  private final Selector selector;

  private final Consumer<Throwable> trouble;

  /** It takes no more, though more may have come. */
  private volatile boolean stalled;

  Reader(End end, Reading reading, Consumer<Throwable> trouble) throws IOException {
    this.end = end;
    this.timed = reading == Reading.TIMED_STREAM ? end.channel.socket().getInputStream() : null;
    this.selector = reading == Reading.SELECTOR ? Selector.open() : null;
    this.trouble = trouble;
    if (selector != null) {
      end.channel.register(selector, SelectionKey.OP_READ);
    }
  }

  /** Whether it is to stall; it ends a read that it is in first. */
  void stall(boolean now) {
    stalled = now;
  }

  /** A channel that is closed stays open until its selector notices. */
  void wake() {
    if (selector != null) {
      selector.wakeup();
    }
  }

  @Override
  public void run() {
    try (selector) {
      if (timed != null) {
        readStream();
      } else {
        ByteBuffer buffer = ByteBuffer.allocate(SIZE);
        boolean more = true;
        while (more && mayRead()) {
          more = end.read(buffer, SIZE, 1);
        }
      }
    } catch (IOException | RuntimeException | Mismatch e) {
      trouble.accept(e);
    }
  }

  /** Waits as it is to wait; false once the end is closed. */
  private boolean mayRead() throws IOException {
    while (stalled && !end.isClosed()) {
      LockSupport.parkNanos(100_000);
    }
    if (selector != null && !end.isClosed()) {
      int ready = selector.select(TimeUnit.SECONDS.toMillis(Connection.PATIENCE_SECONDS));
      if (ready == 0 && !end.in.isAllRead() && !end.isClosed() && !stalled) {
        throw new Mismatch("the selector does not tell of what is unread: " + end);
      }
      selector.selectedKeys().clear();
    }
    return !end.isClosed();
  }

  /** A time-out makes it poll before each read. */
  private void readStream() throws IOException {
    byte[] block = new byte[SIZE];
    ByteBuffer buffer = ByteBuffer.wrap(block);
    boolean more = true;
    while (more && mayRead()) {
      try {
        int size = timed.read(block);
        more = size < 0 ? end.atEnd() : end.received(buffer.clear(), size);
      } catch (SocketTimeoutException e) {
        // A group waits for its slowest connection: to have nothing to read is no failure.
        more = end.in.isAllRead() || end.failed(e);
      } catch (IOException e) {
        more = end.failed(e);
      }
    }
  }
}
