/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.helper;

import io.underpass.ffm.UnixStream;
import java.io.IOException;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.function.Consumer;

/**
 * Closes clients' sockets, and never waits. One in whose queue descriptors are is closed by a
 * thread of its own, which may hang for as long as their sender likes. There are a few of these;
 * what finds none stays open, and counts as its owner's. Belongs to the server's thread.
 */
final class Closer implements AutoCloseable {
  /** Only those who send descriptors need one. */
  private static final int THREADS = 8;

  private final Consumer<Runnable> onServer;
  private final ThreadPoolExecutor threads;

  /** Closed as channels, as soon as the selector has looked; the copy is the last of each. */
  private List<Copy> copies = new ArrayList<>();

  /** Not closed yet, since there was no descriptor for a copy. */
  private List<Left> left = new ArrayList<>();

  private record Copy(int fd, Runnable closed) {}

  private record Left(SocketChannel channel, Runnable closed) {}

  /**
   * @param onServer runs something on the server's thread; called by any
   */
  Closer(Consumer<Runnable> onServer) {
    this.onServer = onServer;
    this.threads = Spare.threads("close", THREADS);
  }

  /**
   * Not to be called while the selector hands out its keys.
   *
   * @param closed is told, on the server's thread, when the socket is closed
   */
  void close(SocketChannel channel, Runnable closed) {
    int copy = -1;
    try {
      if (!UnixStream.finish(channel)) {
        copy = UnixStream.duplicate(channel);
      }
      channel.close();
    } catch (IOException e) {
      left.add(new Left(channel, closed));
      return;
    }
    if (copy < 0) {
      closed.run();
    } else {
      copies.add(new Copy(copy, closed));
    }
  }

  /** To be called once the selector has looked again, which is when closed channels are closed. */
  void go() {
    List<Copy> those = copies;
    copies = new ArrayList<>();
    for (Copy copy : those) {
      try {
        threads.execute(() -> close(copy));
      } catch (RuntimeException | Error e) { // no thread can be made now
        copies.add(copy);
      }
    }
    List<Left> again = left;
    left = new ArrayList<>();
    again.forEach(l -> close(l.channel, l.closed));
  }

  private void close(Copy copy) {
    UnixStream.close(copy.fd);
    onServer.accept(copy.closed);
  }

  /** Whether {@link #go} has something to do. */
  boolean isWaiting() {
    return !copies.isEmpty() || !left.isEmpty();
  }

  /** What hangs, hangs on: the process's end closes it, and no socket lingers then. */
  @Override
  public void close() {
    threads.shutdown();
  }
}
