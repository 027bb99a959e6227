/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ffm;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.Consumer;

/**
 * A BPF iterator. Each {@link #run} visits everything there is to visit once: for {@code iter/tcp},
 * the sockets of the network namespace that the calling thread is in. One thread at a time.
 */
public final class BpfIterator implements AutoCloseable {
  /**
   * The kernel fills 8 pages and then lets a read have them (bpf_seq_read): a read with that much
   * room gets whole records.
   */
  private static final int CHUNK_BYTES = 8 * LibC.pageSize();

  /** Flows are bounded, so output is; an iterator that writes more is broken. */
  private static final int MAX_BYTES = 256 << 20;

  private final String name;
  private final BpfLink link;

  /** What {@link #run} returned last, reused by the next call. */
  private ByteBuffer output = newBuffer(CHUNK_BYTES);

  BpfIterator(String name, BpfLink link) {
    this.name = name;
    this.link = link;
  }

  /**
   * Runs the program on every element.
   *
   * @return all that it wrote with {@code bpf_seq_write}, in native order; good until the next call
   */
  public ByteBuffer run() throws NativeException {
    output.clear();
    try (Session session = new Session()) {
      while (session.read(output)) {
        if (output.remaining() < CHUNK_BYTES) {
          grow();
        }
      }
    }
    return output.flip();
  }

  /**
   * Runs the program on every element, in bounded memory.
   *
   * @param records gets what it wrote, in native order, piece by piece; a piece holds whole records
   *     and is good only during the call
   */
  public void run(Consumer<ByteBuffer> records) throws NativeException {
    ByteBuffer chunk = output;
    try (Session session = new Session()) {
      while (session.read(chunk.clear())) {
        records.accept(chunk.flip());
      }
    }
  }

  /** One pass over the elements. */
  private final class Session implements AutoCloseable {
    private final Arena arena = Arena.ofConfined();
    private final MemorySegment capture = arena.allocate(Symbols.CAPTURE);
    private final int fd;

    Session() throws NativeException {
      int result = BpfCalls.iterCreate(link.fd());
      if (result < 0) {
        arena.close();
        throw new NativeException("bpf_iter_create " + name, -result);
      }
      fd = result;
    }

    /** Appends what the next read gives; false at the end. */
    boolean read(ByteBuffer to) throws NativeException {
      while (true) {
        long n = LibC.read(fd, MemorySegment.ofBuffer(to), to.remaining(), capture);
        if (n >= 0) {
          to.position(to.position() + (int) n);
          return n > 0;
        }
        // EAGAIN only says that a million elements went by without output (bpf_seq_read).
        if (n != -Errno.EAGAIN && n != -Errno.EINTR) {
          throw new NativeException("read of iterator " + name, (int) -n);
        }
      }
    }

    @Override
    public void close() {
      LibC.close(fd);
      arena.close();
    }
  }

  private void grow() {
    if (output.capacity() >= MAX_BYTES) {
      throw new IllegalStateException("iterator " + name + " writes without end");
    }
    output = newBuffer(output.capacity() * 2).put(output.flip());
  }

  private static ByteBuffer newBuffer(int bytes) {
    return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
  }

  /** Keeps nothing: an iterator does something only while it is run. */
  @Override
  public void close() {
    link.close();
  }
}
