/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ffm;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Makes native calls: gives each the memory that ends with it, and turns what it says into a result
 * or an exception. What a method handle itself throws is a fault of these bindings.
 */
final class Calls {
  /** A call that needs no memory. */
  @FunctionalInterface
  interface Plain {
    int make() throws Throwable;
  }

  /** A call whose arguments are allocated for it. */
  @FunctionalInterface
  interface InArena<T> {
    T make(Arena arena) throws Throwable;
  }

  /** A call that leaves errno in {@code capture} if its result is below 0. */
  @FunctionalInterface
  interface WithErrno {
    long make(Arena arena, MemorySegment capture) throws Throwable;
  }

  private Calls() {}

  /** The call's own result. */
  static int plain(Plain call) {
    try {
      return call.make();
    } catch (Throwable t) {
      throw Symbols.unexpected(t);
    }
  }

  /** The call's own result; the arena ends before it is returned. */
  static <T> T inArena(InArena<T> call) {
    try (Arena arena = Arena.ofConfined()) {
      return call.make(arena);
    } catch (Throwable t) {
      throw Symbols.unexpected(t);
    }
  }

  /** The result, or {@code -errno} if it is below 0. */
  static long orErrno(WithErrno call) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment capture = arena.allocate(Symbols.CAPTURE);
      long result = call.make(arena, capture);
      return result < 0 ? -Symbols.errno(capture) : result;
    } catch (Throwable t) {
      throw Symbols.unexpected(t);
    }
  }

  /**
   * The result, which is not below 0.
   *
   * @param name what the exception calls it
   * @throws NativeException with errno
   */
  static int checked(String name, WithErrno call) throws NativeException {
    long result = orErrno(call);
    if (result < 0) {
      throw new NativeException(name, (int) -result);
    }
    return (int) result;
  }
}
