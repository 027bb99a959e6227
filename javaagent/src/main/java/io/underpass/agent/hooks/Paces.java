/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.hooks;

import io.underpass.agent.jdk.JavaBase;
import io.underpass.agent.jdk.Threads;
import java.io.FileDescriptor;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

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

  /**
   * Writes of so many bytes begin with a small part, where the reader has nothing to do. The kernel
   * copies all of a message before the reader sees any of it; TCP hands it over in segments.
   */
  private static final int EARLY_SIZE = 131_072;

  /** What is there by the time that the reader is awake, bytes; too little to be in its way. */
  private static final int EARLY_PART = 8_192;

  private final Sockopts sockopts;
  private final Tends tends;
  private final WaitCounts counts;

  Paces(Sockopts sockopts, Tends tends, WaitCounts counts) {
    this.sockopts = sockopts;
    this.tends = tends;
    this.counts = counts;
  }

  /**
   * So many bytes are about to be written, of a large write; under the socket's write lock.
   *
   * @return how many of them to write first; 0 for all
   */
  int beforeWrite(SocketRecord socket, int size) throws Throwable {
    Pace pace = socket.pace();
    FileDescriptor fd = socket.fd();
    if (!pace.isDue()) {
      return 0;
    }
    int behind = sockopts.behind(fd);
    // An end that only writes has no reads that would have it tended.
    if (pace.tendsAt(behind >= 0 || behind == Sockopts.READER_WAITS) && socket.isTended()) {
      tends.tend(socket);
    }
    if (behind == Sockopts.READER_WAITS) {
      return size < EARLY_SIZE ? 0 : EARLY_PART;
    }
    if (behind < 0) {
      pace.rest(Pace.PLAIN_REST);
    } else if (behind > 0 && !Threads.isVirtual()) {
      // A virtual thread would keep its carrier from others meanwhile.
      await(fd, pace);
    }
    return 0;
  }

  /**
   * What {@code SocketDispatcher.write} calls.
   *
   * @throws ReflectiveOperationException where this JDK has it in neither of the places
   */
  static MethodHandle nativeWrite() throws ReflectiveOperationException {
    try {
      return nativeWrite("sun.nio.ch.SocketDispatcher");
    } catch (NoSuchMethodException e) {
      return nativeWrite("sun.nio.ch.FileDispatcherImpl");
    }
  }

  private static MethodHandle nativeWrite(String type) throws ReflectiveOperationException {
    MethodHandles.Lookup dispatcher = JavaBase.lookup(type);
    return dispatcher.findStatic(
        dispatcher.lookupClass(),
        "write0",
        MethodType.methodType(int.class, FileDescriptor.class, long.class, int.class));
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
