/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.hooks;

import java.io.FileDescriptor;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * The open TCP sockets of this JVM, by the number of their file descriptor; bounded.
 *
 * <p>A number is one socket's until it is closed, and every close is seen before it happens. What
 * is left behind all the same is found to be another descriptor's, and makes room for the next
 * socket of that number.
 */
public final class SocketTable {
  /** Descriptors with this number and above have no record, and are not accelerated. */
  static final int MAX = 65_536;

  private static final int CHUNK = 1024;

  /** Rests in a line of the processor's cache; the root of {@link #CHUNK}. */
  private static final int LINE = 32;

  private final AtomicReferenceArray<Chunk> chunks = new AtomicReferenceArray<>(MAX / CHUNK);

  /**
   * Whether there are connections without a record: from before the agent came, or beyond the
   * bound.
   */
  private volatile boolean strangers;

  /** Those of a range of numbers. */
  private static final class Chunk {
    final AtomicReferenceArray<SocketRecord> records = new AtomicReferenceArray<>(CHUNK);

    /**
     * Reads to come that need no look at the record: many sockets' share a line of the processor's
     * cache, where a record would be fetched from memory. By {@link #spread}. Set with the record,
     * before anybody reads the socket, and then under its read lock; its number is not another
     * one's before its last read has ended. What has no record is counted too, and means nothing.
     */
    final short[] rests = new short[CHUNK];
  }

  SocketTable() {}

  /** Its record; null where it is closed already, or there is no place. */
  SocketRecord add(int number, FileDescriptor fd, SocketRecord.Kind kind, SocketRecord.Role role) {
    if (number < 0) {
      return null;
    }
    if (number >= MAX) {
      strangers = true;
      return null;
    }
    SocketRecord record = new SocketRecord(fd, kind, role);
    Chunk chunk = chunkFor(number);
    chunk.rests[spread(number)] = SocketRecord.YOUNG_READS;
    chunk.records.set(number % CHUNK, record);
    return record;
  }

  /**
   * Takes one of the reads that need no look at the record; called once for each read, under the
   * read lock.
   *
   * @return false if none is left
   */
  boolean takeRest(int number) {
    Chunk chunk = chunkOf(number);
    int at = spread(number);
    short left = chunk == null ? 0 : chunk.rests[at];
    if (left == 0) {
      return false;
    }
    chunk.rests[at] = (short) (left - 1); // of what was read: it may be set to 0 meanwhile
    return true;
  }

  /**
   * The next so many reads, at most {@link Short#MAX_VALUE}, need no look; under the read lock.
   * None may be said without it too: then one that reads may not see that, which is no harm.
   */
  void rest(int number, int reads) {
    Chunk chunk = chunkOf(number);
    if (chunk != null) {
      chunk.rests[spread(number)] = (short) reads;
    }
  }

  /**
   * Where a number's rest is. The sockets of a small program have numbers in a row, and often a
   * thread each: they are not to share a line of 64 bytes that all of them write.
   */
  private static int spread(int number) {
    return number % LINE * LINE + number % CHUNK / LINE;
  }

  /** Null if it has none. */
  SocketRecord get(int number, FileDescriptor fd) {
    Chunk chunk = chunkOf(number);
    SocketRecord record = chunk == null ? null : chunk.records.getAcquire(number % CHUNK);
    return record != null && record.fd() == fd ? record : null;
  }

  /** What it had; null if it had none. */
  SocketRecord remove(int number, FileDescriptor fd) {
    SocketRecord record = get(number, fd);
    if (record != null && chunkOf(number).records.compareAndSet(number % CHUNK, record, null)) {
      return record;
    }
    return null;
  }

  /** There may be sockets from before the classes were woven. */
  public void expectStrangers() {
    strangers = true;
  }

  boolean hasStrangers() {
    return strangers;
  }

  /** How many there are now. */
  public long size() {
    return records().size();
  }

  /** Those there are now. */
  public List<SocketRecord> records() {
    List<SocketRecord> records = new ArrayList<>();
    for (int i = 0; i < chunks.length(); i++) {
      Chunk chunk = chunks.getAcquire(i);
      for (int j = 0; chunk != null && j < CHUNK; j++) {
        SocketRecord record = chunk.records.getAcquire(j);
        if (record != null) {
          records.add(record);
        }
      }
    }
    return records;
  }

  /** Null where there is none, or can be none. */
  private Chunk chunkOf(int number) {
    return number < 0 || number >= MAX ? null : chunks.getAcquire(number / CHUNK);
  }

  private Chunk chunkFor(int number) {
    Chunk chunk = chunkOf(number);
    if (chunk != null) {
      return chunk;
    }
    Chunk mine = new Chunk();
    Chunk others = chunks.compareAndExchange(number / CHUNK, null, mine);
    return others == null ? mine : others;
  }
}
