package io.underpass.ffm;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * Waits until every BPF program that runs now has ended: membarrier(2) with MEMBARRIER_CMD_GLOBAL
 * is {@code synchronize_rcu()} (kernel/sched/membarrier.c).
 */
public final class RcuBarrier {
  private static final int MEMBARRIER_CMD_GLOBAL = 1;

  /** 324 on x86-64, 283 on machines with the generic table (arm64, riscv64). */
  private static final long SYS_MEMBARRIER =
      System.getProperty("os.arch").equals("amd64") ? 324 : 283;

  private static final MethodHandle SYSCALL =
      Symbols.withErrno(
          Symbols.LINKER.defaultLookup(),
          "syscall",
          FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT),
          Linker.Option.firstVariadicArg(1));

  private RcuBarrier() {}

  /** EINVAL on a kernel with nohz_full processors, which does not offer it. */
  public static void await() throws NativeException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment capture = arena.allocate(Symbols.CAPTURE);
      long result =
          (long) SYSCALL.invokeExact(capture, SYS_MEMBARRIER, MEMBARRIER_CMD_GLOBAL, 0, 0);
      if (result < 0) {
        throw new NativeException("membarrier", Symbols.errno(capture));
      }
    } catch (NativeException e) {
      throw e;
    } catch (Throwable t) {
      throw Symbols.unexpected(t);
    }
  }
}
