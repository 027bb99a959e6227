/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ffm;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * Runs a program of {@code tc} that is attached to nothing, in the calling thread and its network
 * namespace ({@code BPF_PROG_RUN}). While it runs, the processor takes no softirqs, so a run is to
 * be short. One thread at a time.
 */
public final class ProgramRun implements AutoCloseable {
  private static final MethodHandle TEST_RUN =
      Symbols.plain(LibBpf.symbols(), "bpf_prog_test_run_opts", Symbols.intOf(JAVA_INT, ADDRESS));

  /** How many words can be told to a run. */
  public static final int WORDS = 5;

  /** struct bpf_test_run_opts of libbpf 1.0. */
  private static final int OPTS_BYTES = 80;

  private static final int OPTS_DATA_IN = 8;
  private static final int OPTS_DATA_SIZE_IN = 24;
  private static final int OPTS_CTX_IN = 32;
  private static final int OPTS_CTX_SIZE_IN = 48;
  private static final int OPTS_REPEAT = 60;

  /** struct __sk_buff up to and with cb, which is all that may be said of one. */
  private static final int CONTEXT_BYTES = 68;

  private static final int CONTEXT_IFINDEX = 40;
  private static final int CONTEXT_CB = 48;

  /** The kernel wants a packet, of an Ethernet header at least. */
  private static final int PACKET_BYTES = 64;

  private final String name;
  private final int fd;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment options = arena.allocate(OPTS_BYTES, 8);
  private final MemorySegment context = arena.allocate(CONTEXT_BYTES, 8);

  ProgramRun(String name, int fd) {
    BpfCalls.touch();
    this.name = name;
    this.fd = fd;
    options.set(JAVA_LONG, 0, OPTS_BYTES);
    options.set(ADDRESS, OPTS_DATA_IN, arena.allocate(PACKET_BYTES, 8));
    options.set(JAVA_INT, OPTS_DATA_SIZE_IN, PACKET_BYTES);
    options.set(ADDRESS, OPTS_CTX_IN, context);
    options.set(JAVA_INT, OPTS_CTX_SIZE_IN, CONTEXT_BYTES);
    options.set(JAVA_INT, OPTS_REPEAT, 1);
  }

  /**
   * Runs it once.
   *
   * @param device that the packet is said to come from, by its number; 0 for the loopback. ENODEV
   *     if the thread's network namespace has none
   * @param words five at most, which the program finds in {@code __sk_buff.cb}
   */
  public void run(int device, int... words) throws NativeException {
    context.set(JAVA_INT, CONTEXT_IFINDEX, device);
    for (int i = 0; i < WORDS; i++) {
      context.set(JAVA_INT, CONTEXT_CB + 4L * i, i < words.length ? words[i] : 0);
    }
    int result;
    try {
      result = (int) TEST_RUN.invokeExact(fd, options);
    } catch (Throwable t) {
      throw Symbols.unexpected(t);
    }
    BpfCalls.check(result, "BPF_PROG_RUN " + name);
  }

  @Override
  public void close() {
    arena.close();
  }
}
