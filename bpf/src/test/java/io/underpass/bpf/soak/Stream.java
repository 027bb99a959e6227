/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.soak;

import java.nio.ByteBuffer;

/**
 * The model of one direction: how many bytes were given to it and taken from it, and how it ends.
 * The writer's fields are written by the script's thread alone, {@code read} by whoever reads.
 */
final class Stream {
  /** What the reader finds behind the last byte. */
  enum End {
    OPEN,
    /** End of stream, once all is read. */
    FIN,
    /** A reset, at any moment; end of stream would hide that bytes may be missing. */
    RESET,
    /** End of stream or a reset: the writer ended it, but a reset may have overtaken that. */
    EITHER
  }

  /** Where in the content it starts. */
  private final int start;

  /** At most so many bytes are on their way or read: raised before a write, corrected after it. */
  private volatile long offered;

  /** At least so many bytes: raised after a write. */
  private volatile long written;

  private volatile long read;
  private volatile End end = End.OPEN;

  Stream(int start) {
    this.start = start;
  }

  /** The bytes of the next write. */
  ByteBuffer offer(int size) {
    offered = written + size;
    return Content.of(start, written, size);
  }

  /** So many of the bytes offered were taken. */
  void taken(long size) {
    long now = written + size;
    written = now;
    offered = now;
  }

  long written() {
    return written;
  }

  long read() {
    return read;
  }

  /** Bytes that are to be read still, or that a write is about to add. */
  long outstanding() {
    return offered - read;
  }

  boolean isAllRead() {
    return read == written;
  }

  End end() {
    return end;
  }

  /** The writer shuts its output down, or closes with nothing unread. */
  void finish() {
    if (end == End.OPEN) {
      end = End.FIN;
    }
  }

  /** The writer resets the connection. */
  void reset() {
    end = end == End.OPEN ? End.RESET : end == End.FIN ? End.EITHER : end;
  }

  /** The writer's kernel may reset the connection. */
  void mayReset() {
    end = End.EITHER;
  }

  /** Bytes were read; the buffer holds them from 0 to its position. */
  void received(ByteBuffer buffer) {
    int size = buffer.position();
    long after = read + size;
    if (after > offered) {
      throw new Mismatch(
          "read " + size + " at " + read + ", but only " + offered + " were written");
    }
    ByteBuffer got = buffer.duplicate().flip();
    int wrong = Content.of(start, read, size).mismatch(got);
    if (wrong >= 0) {
      throw new Mismatch(
          "wrong byte at "
              + (read + wrong)
              + ", in a read of "
              + size
              + " at "
              + read
              + ", with "
              + offered
              + " written"
              + whence(got, wrong));
    }
    read = after;
  }

  /** Which part of the stream it was instead, for who looks for the cause. */
  private String whence(ByteBuffer got, int wrong) {
    int size = Math.min(16, got.remaining() - wrong);
    if (size < 8) {
      return "";
    }
    ByteBuffer found = got.slice(got.position() + wrong, size);
    for (long at = 0; at + size <= offered; at++) {
      if (Content.of(start, at, size).equals(found)) {
        return "; what came belongs to " + at;
      }
    }
    return "; what came belongs nowhere in this stream";
  }

  /**
   * The reader found the end of the stream.
   *
   * @param excused a reset need not show as one: the kernel tells an error once only, which a write
   *     may have had, and to a socket that was shut down itself plain TCP says end of stream
   */
  void ended(boolean excused) {
    boolean finished = (end == End.FIN || end == End.EITHER) && isAllRead();
    boolean wasReset = end == End.RESET || end == End.EITHER;
    if (!finished && !(wasReset && excused)) {
      throw new Mismatch("end of stream at " + read + " of " + offered + ", expected " + end);
    }
  }

  /** The reader got an error. */
  void failed(Exception error) {
    if (end != End.RESET && end != End.EITHER) {
      throw new Mismatch("read failed at " + read + " of " + offered + ", expected " + end, error);
    }
  }

  @Override
  public String toString() {
    return read + " of " + written + " read, " + end;
  }
}
