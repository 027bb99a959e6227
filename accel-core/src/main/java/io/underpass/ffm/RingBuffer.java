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
import java.lang.invoke.MethodType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.Consumer;

/**
 * The reading end of a BPF ring buffer. One thread calls {@link #await} again and again, and {@link
 * #close} in the end; any thread may {@link #wake} it.
 */
public final class RingBuffer implements AutoCloseable {
  private static final MethodHandle NEW =
      Symbols.withErrno(
          LibBpf.symbols(),
          "ring_buffer__new",
          Symbols.pointerOf(JAVA_INT, ADDRESS, ADDRESS, ADDRESS));
  private static final MethodHandle EPOLL_FD =
      Symbols.plain(LibBpf.symbols(), "ring_buffer__epoll_fd", Symbols.intOf(ADDRESS));
  private static final MethodHandle CONSUME =
      Symbols.plain(LibBpf.symbols(), "ring_buffer__consume", Symbols.intOf(ADDRESS));
  private static final MethodHandle FREE =
      Symbols.plain(LibBpf.symbols(), "ring_buffer__free", FunctionDescriptor.ofVoid(ADDRESS));

  private final Arena arena = Arena.ofShared();
  private final Consumer<ByteBuffer> records;
  private final MemorySegment ring;
  private final int ready;
  private final int wake;

  /** Set under the locks of this and of {@link #consuming}; either will do to read it. */
  private boolean closed;

  /** One thread at a time reads. */
  private final Object consuming = new Object();

  /** What the consumer threw, which is thrown again; guarded by {@link #consuming}. */
  private Throwable thrown;

  /**
   * @param records gets each record, in native order, good only during the call
   */
  public RingBuffer(BpfMap map, Consumer<ByteBuffer> records) throws NativeException {
    BpfCalls.touch();
    this.records = records;
    this.wake = LibC.eventfd();
    try {
      MethodHandle sample =
          MethodHandles.lookup()
              .bind(
                  this,
                  "sample",
                  MethodType.methodType(
                      int.class, MemorySegment.class, MemorySegment.class, long.class));
      MemorySegment callback =
          Symbols.callback(sample, Symbols.intOf(ADDRESS, ADDRESS, JAVA_LONG), arena);
      MemorySegment capture = arena.allocate(Symbols.CAPTURE);
      ring =
          (MemorySegment)
              NEW.invokeExact(capture, map.fd(), callback, MemorySegment.NULL, MemorySegment.NULL);
      if (Symbols.isNull(ring)) {
        LibC.close(wake);
        arena.close();
        throw new NativeException("ring_buffer__new " + map.name(), Symbols.errno(capture));
      }
      ready = (int) EPOLL_FD.invokeExact(ring);
    } catch (NativeException e) {
      throw e;
    } catch (Throwable t) {
      throw Symbols.unexpected(t);
    }
  }

  /**
   * Sleeps until there are records, hands them over, and returns how many there were; 0 after a
   * {@link #wake}, or when the time is over.
   *
   * @param timeoutNanos -1 to wait for ever
   */
  public int await(long timeoutNanos) throws NativeException {
    if ((LibC.pollReadable(timeoutNanos, ready, wake) & 2) != 0) {
      drainWake();
    }
    return consume();
  }

  /** Hands over the records that there are, and returns how many; any thread may. */
  public int consume() throws NativeException {
    synchronized (consuming) {
      if (closed) {
        return 0;
      }
      int count;
      try {
        count = (int) CONSUME.invokeExact(ring);
      } catch (Throwable t) {
        throw Symbols.unexpected(t);
      }
      Throwable e = thrown;
      thrown = null;
      switch (e) {
        case null -> {}
        case RuntimeException failure -> throw failure;
        case Error failure -> throw failure;
        default -> throw new IllegalStateException(e);
      }
      return BpfCalls.check(count, "ring_buffer__consume");
    }
  }

  /** Makes the current or the next {@link #await} return; does nothing once it is closed. */
  public synchronized void wake() {
    if (closed) {
      return; // the descriptor's number may be another one's
    }
    try (Arena scratch = Arena.ofConfined()) {
      MemorySegment one = scratch.allocateFrom(JAVA_LONG, 1L);
      long _ = LibC.write(wake, one, Long.BYTES, scratch.allocate(Symbols.CAPTURE));
    }
  }

  private void drainWake() {
    try (Arena scratch = Arena.ofConfined()) {
      MemorySegment count = scratch.allocate(JAVA_LONG);
      long _ = LibC.read(wake, count, Long.BYTES, scratch.allocate(Symbols.CAPTURE));
    }
  }

  /**
   * Called by libbpf. An exception that left an upcall would end the JVM, so none does; not even
   * where there is no memory, so it is kept as it is.
   */
  @SuppressWarnings("unused") // by the constructor
  private int sample(MemorySegment context, MemorySegment data, long size) {
    try {
      records.accept(Symbols.bytes(data, size).asByteBuffer().order(ByteOrder.nativeOrder()));
    } catch (Throwable e) {
      thrown = e;
    }
    return 0;
  }

  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    synchronized (consuming) {
      closed = true;
      try {
        FREE.invokeExact(ring);
      } catch (Throwable t) {
        throw Symbols.unexpected(t);
      }
    }
    LibC.close(wake);
    arena.close();
  }
}
