/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ffm;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.ByteBuffer;
import java.util.function.Consumer;

/**
 * Makes method handles of C functions and gives C's pointers their extent: the restricted methods
 * of {@code java.lang.foreign} are called here and nowhere else.
 */
@SuppressWarnings("restricted")
final class Symbols {
  static final Linker LINKER = Linker.nativeLinker();

  /** Where a call made with {@link #withErrno} leaves errno. */
  static final StructLayout CAPTURE = Linker.Option.captureStateLayout();

  private static final long ERRNO_OFFSET =
      CAPTURE.byteOffset(MemoryLayout.PathElement.groupElement("errno"));

  /** Strings from C end somewhere; this bounds the search for their end. */
  private static final long MAX_STRING = 1 << 20;

  private Symbols() {}

  static MethodHandle plain(SymbolLookup library, String name, FunctionDescriptor type) {
    return LINKER.downcallHandle(library.findOrThrow(name), type);
  }

  /** The handle takes the segment to leave errno in as its first argument. */
  static MethodHandle withErrno(
      SymbolLookup library, String name, FunctionDescriptor type, Linker.Option... options) {
    Linker.Option[] all = new Linker.Option[options.length + 1];
    System.arraycopy(options, 0, all, 0, options.length);
    all[options.length] = Linker.Option.captureCallState("errno");
    return LINKER.downcallHandle(library.findOrThrow(name), type, all);
  }

  static MethodHandle function(MemorySegment address, FunctionDescriptor type) {
    return LINKER.downcallHandle(address, type);
  }

  /** A C function pointer to a Java method, good as long as the arena. */
  static MemorySegment callback(MethodHandle method, FunctionDescriptor type, Arena arena) {
    return LINKER.upcallStub(method, type, arena);
  }

  /** Loads a library; IllegalArgumentException if it cannot be. */
  static SymbolLookup load(String name, Arena arena) {
    return SymbolLookup.libraryLookup(name, arena);
  }

  /** What lies at a pointer that C gave us, of which C says that it is so large. */
  static MemorySegment bytes(MemorySegment pointer, long size) {
    return pointer.reinterpret(size);
  }

  /** The same, until the arena ends, which then gives it back. */
  static MemorySegment bytes(
      MemorySegment pointer, long size, Arena arena, Consumer<MemorySegment> giveBack) {
    return pointer.reinterpret(size, arena, giveBack);
  }

  static FunctionDescriptor intOf(MemoryLayout... arguments) {
    return FunctionDescriptor.of(JAVA_INT, arguments);
  }

  static FunctionDescriptor pointerOf(MemoryLayout... arguments) {
    return FunctionDescriptor.of(ADDRESS, arguments);
  }

  static int errno(MemorySegment capture) {
    return capture.get(JAVA_INT, ERRNO_OFFSET);
  }

  static boolean isNull(MemorySegment pointer) {
    return pointer.address() == 0;
  }

  /** The C string at a pointer that C gave us; empty for NULL. */
  static String string(MemorySegment pointer) {
    return isNull(pointer) ? "" : bytes(pointer, MAX_STRING).getString(0);
  }

  /** A native segment over the remaining bytes of a direct buffer. */
  static MemorySegment direct(ByteBuffer buffer, int bytes) {
    if (!buffer.isDirect()) {
      throw new IllegalArgumentException("a direct buffer is needed");
    }
    if (buffer.remaining() < bytes) {
      throw new IllegalArgumentException(
          "buffer holds " + buffer.remaining() + " bytes, " + bytes + " are needed");
    }
    return MemorySegment.ofBuffer(buffer);
  }

  /** What a method handle throws besides the declared nothing is a fault of these bindings. */
  static AssertionError unexpected(Throwable thrown) {
    return new AssertionError("native call failed in Java", thrown);
  }
}
