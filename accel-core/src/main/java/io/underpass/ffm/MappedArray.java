/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ffm;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The values of an array map in this process's memory ({@code BPF_F_MMAPABLE}, Linux 5.5): what a
 * program writes is seen at once, and the other way round.
 *
 * <p>Plain access is for one thread at a time, between runs of the programs that share it; a word
 * that both sides change at any time is got by {@link #getAndSet} and {@link #set}.
 */
public final class MappedArray implements AutoCloseable {
  private static final MethodHandle MMAP =
      Symbols.withErrno(
          Symbols.LINKER.defaultLookup(),
          "mmap",
          FunctionDescriptor.of(
              ADDRESS, ADDRESS, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG));
  private static final MethodHandle MUNMAP =
      Symbols.plain(Symbols.LINKER.defaultLookup(), "munmap", Symbols.intOf(ADDRESS, JAVA_LONG));
  private static final VarHandle WORD =
      MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.nativeOrder());

  private static final int PROT_READ_WRITE = 3;
  private static final int MAP_SHARED = 1;

  /** Whoever comes after the close has an exception, and no fault of the processor. */
  private final Arena lifetime = Arena.ofShared();

  private final ByteBuffer bytes;

  /** Maps all values; they stand one after the other, each at a multiple of 8 bytes. */
  public MappedArray(BpfMap map) throws NativeException {
    long page = LibC.pageSize();
    long size = (long) ((map.valueBytes() + 7) & ~7) * map.maxEntries();
    long whole = (size + page - 1) / page * page;
    MemorySegment mapped;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment capture = arena.allocate(Symbols.CAPTURE);
      MemorySegment at =
          (MemorySegment)
              MMAP.invokeExact(
                  capture, MemorySegment.NULL, whole, PROT_READ_WRITE, MAP_SHARED, map.fd(), 0L);
      if (at.address() == -1) {
        throw new NativeException("mmap " + map.name(), Symbols.errno(capture));
      }
      mapped = Symbols.bytes(at, whole, lifetime, MappedArray::unmap);
    } catch (NativeException e) {
      throw e;
    } catch (Throwable t) {
      throw Symbols.unexpected(t);
    }
    bytes = mapped.asSlice(0, size).asByteBuffer().order(ByteOrder.nativeOrder());
  }

  /** All values, in native order; not to be used after {@link #close}. */
  public ByteBuffer bytes() {
    return bytes;
  }

  /** Sets a word that a program may read at any time; what was written before is seen with it. */
  public void set(int at, int value) {
    WORD.setVolatile(bytes, at, value);
  }

  /** Takes a word that a program may set at any time, and puts another one in its place. */
  public int getAndSet(int at, int value) {
    return (int) WORD.getAndSet(bytes, at, value);
  }

  private static void unmap(MemorySegment mapped) {
    try {
      int _ = (int) MUNMAP.invokeExact(mapped, mapped.byteSize());
    } catch (Throwable t) {
      throw Symbols.unexpected(t);
    }
  }

  /** The map itself stays. */
  @Override
  public void close() {
    lifetime.close();
  }
}
