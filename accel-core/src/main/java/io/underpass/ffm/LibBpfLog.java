/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ffm;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Catches what libbpf prints, so that an error can quote the lines that explain it.
 *
 * <p>libbpf hands over a format and a {@code va_list}. On x86-64 a va_list parameter is a pointer
 * by its type (an array of one), on arm64 by the calling convention (a struct of over 16 bytes), so
 * one signature serves both.
 */
final class LibBpfLog {
  /** A verifier log can have 100,000 lines; its end is what explains. */
  private static final int MAX_LINES = 200;

  /** libbpf gives up on longer verifier logs itself. */
  private static final int MAX_MESSAGE = 16 << 20;

  private static final int LEVEL_INFO = 1;

  private static final Pattern OF_PROGRAM = Pattern.compile("libbpf: prog '(\\w+)': ");

  /** sizeof(va_list): 24 on x86-64, 32 on arm64; a few bytes more of the stack do no harm. */
  private static final int VA_LIST_BYTES = 32;

  private static final MethodHandle VSNPRINTF =
      Symbols.plain(
          Symbols.LINKER.defaultLookup(),
          "vsnprintf",
          Symbols.intOf(ADDRESS, JAVA_LONG, ADDRESS, ADDRESS));

  /** Guarded by itself: libbpf prints on whatever thread calls it. */
  private static final Deque<String> LINES = new ArrayDeque<>();

  private LibBpfLog() {}

  /** The C callback of type {@code libbpf_print_fn_t}; it lives as long as the process. */
  static MemorySegment callback() {
    try {
      MethodHandle print =
          MethodHandles.lookup()
              .findStatic(
                  LibBpfLog.class,
                  "print",
                  MethodType.methodType(
                      int.class, int.class, MemorySegment.class, MemorySegment.class));
      return Symbols.callback(print, Symbols.intOf(JAVA_INT, ADDRESS, ADDRESS), Arena.global());
    } catch (ReflectiveOperationException e) {
      throw new LinkageError(e.getMessage(), e);
    }
  }

  static void clear() {
    synchronized (LINES) {
      LINES.clear();
    }
  }

  static List<String> lines() {
    synchronized (LINES) {
      return List.copyOf(LINES);
    }
  }

  /** The program that libbpf last said something of, which is where a failed load ended. */
  static Optional<String> lastProgram() {
    return lines().reversed().stream()
        .map(OF_PROGRAM::matcher)
        .filter(Matcher::lookingAt)
        .map(m -> m.group(1))
        .findFirst();
  }

  /** The last few lines that say something, in one line. */
  static String tail(int count) {
    List<String> useful =
        lines().stream()
            .filter(l -> !l.contains("-- END PROG LOAD LOG --"))
            // It takes any EPERM for a limit of locked memory, which BPF does not count since 5.11.
            .filter(l -> !l.contains("try raising 'ulimit -l'"))
            .filter(l -> !l.startsWith("processed ") && !l.startsWith("libbpf: failed to load"))
            .toList();
    return String.join(" | ", useful.subList(Math.max(0, useful.size() - count), useful.size()));
  }

  /** Called by libbpf. An exception that left an upcall would end the JVM, so none does. */
  @SuppressWarnings("unused") // by callback()
  private static int print(int level, MemorySegment format, MemorySegment arguments) {
    try (Arena arena = Arena.ofConfined()) {
      if (level > LEVEL_INFO) {
        return 0;
      }
      // vsnprintf uses the list up, so measuring goes on a copy.
      MemorySegment copy = arena.allocate(VA_LIST_BYTES, 8);
      copy.copyFrom(Symbols.bytes(arguments, VA_LIST_BYTES));
      int length = (int) VSNPRINTF.invokeExact(MemorySegment.NULL, 0L, format, copy);
      long size = Math.min((long) length + 1, MAX_MESSAGE);
      MemorySegment text = arena.allocate(size);
      length = (int) VSNPRINTF.invokeExact(text, size, format, arguments);
      append(text.getString(0));
      return length;
    } catch (Throwable t) {
      append("a message of libbpf was lost: " + t);
      return 0;
    }
  }

  private static void append(String text) {
    synchronized (LINES) {
      for (String line : text.split("\n", -1)) {
        if (line.isBlank()) {
          continue;
        }
        if (LINES.size() == MAX_LINES) {
          LINES.removeFirst();
        }
        LINES.addLast(line.strip());
      }
    }
  }
}
