package io.underpass.agent.hooks;

import java.io.FileDescriptor;

/**
 * Lets the reader come along before a large write, where that keeps the stream redirected.
 *
 * <p>A redirect cannot make its sender sleep: when the receive buffer has no room the message goes
 * by TCP, and the next ones too until the reader has read all. A stream that runs away from its
 * reader, as it does on one processor, where the two take turns, would be back at TCP after every
 * buffer. So the writer gives its processor away for a moment; if the reader does not take it, the
 * write goes on, by TCP, whose window then makes it wait as ever.
 */
final class Paces {
  /** What one wait may take. A reader that runs at all reads a buffer in a tenth of it. */
  private static final long BUDGET_NANOS = 2_000_000;

  private final Sockopts sockopts;
  private final WaitCounts counts;

  Paces(Sockopts sockopts, WaitCounts counts) {
    this.sockopts = sockopts;
    this.counts = counts;
  }

  /** A large write is about to begin; under the socket's write lock. */
  void beforeWrite(SocketRecord socket) throws Throwable {
    Pace pace = socket.pace();
    FileDescriptor fd = socket.fd();
    // A virtual thread would keep its carrier from others meanwhile.
    if (!pace.isDue() || Thread.currentThread().isVirtual()) {
      return;
    }
    int behind = sockopts.behind(fd);
    if (behind < 0) {
      pace.rest(Pace.PLAIN_REST);
    } else if (behind > 0) {
      await(fd, pace);
    }
  }

  @SuppressWarnings("ThreadPriorityCheck") // to give the processor to the reader is the purpose
  private void await(FileDescriptor fd, Pace pace) throws Throwable {
    long begin = System.nanoTime();
    do {
      Thread.yield();
      if (sockopts.behind(fd) <= 0) {
        counts.won();
        pace.won();
        return;
      }
    } while (System.nanoTime() - begin < BUDGET_NANOS);
    counts.lost();
    pace.lost();
  }
}
