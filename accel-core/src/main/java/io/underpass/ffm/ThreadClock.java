/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ffm;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** The processor time that a thread has used, its system calls and BPF programs included. */
public final class ThreadClock {
  /** Of linux/time.h. */
  private static final int CLOCK_THREAD_CPUTIME_ID = 3;

  private static final MethodHandle CLOCK_GETTIME =
      Symbols.plain(
          Symbols.LINKER.defaultLookup(), "clock_gettime", Symbols.intOf(JAVA_INT, ADDRESS));

  private ThreadClock() {}

  /** In nanoseconds, of the thread that calls. */
  public static long nanos() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment time = arena.allocate(16, 8); // struct timespec: seconds, nanoseconds
      int _ = (int) CLOCK_GETTIME.invokeExact(CLOCK_THREAD_CPUTIME_ID, time);
      return time.get(JAVA_LONG, 0) * 1_000_000_000 + time.get(JAVA_LONG, 8);
    } catch (Throwable t) {
      throw Symbols.unexpected(t);
    }
  }
}
