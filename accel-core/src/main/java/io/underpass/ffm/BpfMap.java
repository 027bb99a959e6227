/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ffm;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.function.BiConsumer;

/**
 * A BPF map in the kernel. Keys and values are direct buffers in native order, from their position
 * on; their positions are not moved. Calls may come from any thread, with buffers of its own.
 */
public final class BpfMap implements AutoCloseable {
  /** Update flags (enum in linux/bpf.h). */
  public static final long ANY = 0;

  public static final long NO_EXIST = 1;
  public static final long EXIST = 2;

  /** What {@link #forEachBatch} has room for, in entries: the buffers stay below a megabyte. */
  private static final int BATCH = 1024;

  /** The start of struct bpf_map_info: type id key_size value_size max_entries map_flags name. */
  private static final int INFO_BYTES = 40;

  private static final int INFO_KEY = 8;
  private static final int INFO_VALUE = 12;
  private static final int INFO_MAX = 16;
  private static final int INFO_NAME = 24;
  private static final int NAME_BYTES = 16;

  private final int fd;
  private final boolean owned;
  private final int type;
  private final int id;
  private final int keyBytes;
  private final int valueBytes;
  private final int maxEntries;
  private final String name;

  private BpfMap(int fd, boolean owned) throws NativeException {
    this.fd = fd;
    this.owned = owned;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment info = arena.allocate(INFO_BYTES, 8);
      BpfCalls.check(BpfCalls.info(fd, info), "bpf_obj_get_info_by_fd");
      type = info.get(JAVA_INT, 0);
      id = info.get(JAVA_INT, 4);
      keyBytes = info.get(JAVA_INT, INFO_KEY);
      maxEntries = info.get(JAVA_INT, INFO_MAX);
      name = info.asSlice(INFO_NAME, NAME_BYTES).getString(0, StandardCharsets.US_ASCII);
      int perValue = info.get(JAVA_INT, INFO_VALUE);
      valueBytes = perCpu(type) ? ((perValue + 7) & ~7) * BpfCalls.possibleCpus() : perValue;
    }
  }

  /** A map whose descriptor belongs to a {@link BpfObject}. */
  static BpfMap ofBorrowed(int fd) throws NativeException {
    return new BpfMap(fd, false);
  }

  /** The map that is pinned at a path; ENOENT if there is none. */
  public static BpfMap openPinned(Path path) throws NativeException, UnavailableException {
    LibBpf.ensureAvailable();
    int fd = BpfCalls.check(BpfCalls.get(path.toString()), "bpf_obj_get " + path);
    try {
      return new BpfMap(fd, true);
    } catch (NativeException e) {
      LibC.close(fd);
      throw e;
    }
  }

  /** Copies the value into {@code value}; false if the key is not in the map. */
  public boolean lookup(ByteBuffer key, ByteBuffer value) throws NativeException {
    return found(
        BpfCalls.mapLookup(fd, Symbols.direct(key, keyBytes), Symbols.direct(value, valueBytes)),
        "bpf_map_lookup_elem");
  }

  /** Sets a value; false if {@code flags} forbade it (EEXIST, ENOENT). */
  public boolean update(ByteBuffer key, ByteBuffer value, long flags) throws NativeException {
    int result =
        BpfCalls.mapUpdate(
            fd, Symbols.direct(key, keyBytes), Symbols.direct(value, valueBytes), flags);
    if (result == -Errno.EEXIST) {
      return false;
    }
    return found(result, "bpf_map_update_elem");
  }

  /** False if the key was not in the map. */
  public boolean delete(ByteBuffer key) throws NativeException {
    return found(BpfCalls.mapDelete(fd, Symbols.direct(key, keyBytes)), "bpf_map_delete_elem");
  }

  /**
   * Copies the key that follows {@code key} into {@code next}, the first one if {@code key} is null
   * or gone; false at the end. The two may be the same buffer.
   */
  public boolean nextKey(ByteBuffer key, ByteBuffer next) throws NativeException {
    MemorySegment after = key == null ? MemorySegment.NULL : Symbols.direct(key, keyBytes);
    return found(
        BpfCalls.mapNextKey(fd, after, Symbols.direct(next, keyBytes)), "bpf_map_get_next_key");
  }

  /**
   * Reads a hash map whole, many entries a call (BPF_MAP_LOOKUP_BATCH, kernel 5.6). The kernel
   * copies bucket by bucket, each under its lock: no key comes twice, and none is left out that is
   * there all the while. Of those that come or go meanwhile, each may be seen or not.
   *
   * @param entries gets keys and values, in native order, from 0 to the limit, the n-th value being
   *     the n-th key's; good only during the call
   */
  public void forEachBatch(BiConsumer<ByteBuffer, ByteBuffer> entries) throws NativeException {
    forEachBatch(Math.min(BATCH, maxEntries), entries);
  }

  /**
   * @param atFirst what there is room for, in entries, until a bucket has more
   */
  void forEachBatch(int atFirst, BiConsumer<ByteBuffer, ByteBuffer> entries)
      throws NativeException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bucket = arena.allocate(JAVA_INT); // where to go on
      MemorySegment from = MemorySegment.NULL;
      MemorySegment count = arena.allocate(JAVA_INT);
      int room = atFirst;
      MemorySegment keys = arena.allocate((long) room * keyBytes, Long.BYTES);
      MemorySegment values = arena.allocate((long) room * valueBytes, Long.BYTES);
      boolean more = true;
      while (more) {
        count.set(JAVA_INT, 0, room);
        int result = BpfCalls.mapLookupBatch(fd, from, bucket, keys, values, count);
        from = bucket;
        // The next bucket alone has more. None has more than the map may have, or hardly: the
        // kernel counts entries by processor.
        if (result == -Errno.ENOSPC && room / 2 < maxEntries) {
          room *= 2;
          keys = arena.allocate((long) room * keyBytes, Long.BYTES);
          values = arena.allocate((long) room * valueBytes, Long.BYTES);
          continue;
        }
        more = found(result, "bpf_map_lookup_batch"); // the last ones come with ENOENT
        int read = count.get(JAVA_INT, 0);
        if (read > 0) {
          entries.accept(first(read, keyBytes, keys), first(read, valueBytes, values));
        }
      }
    }
  }

  private static ByteBuffer first(int count, int bytes, MemorySegment of) {
    return of.asSlice(0, (long) count * bytes).asByteBuffer().order(ByteOrder.nativeOrder());
  }

  /** A zeroed buffer of the key's size. */
  public ByteBuffer newKey() {
    return ByteBuffer.allocateDirect(keyBytes).order(ByteOrder.nativeOrder());
  }

  /** A zeroed buffer of the value's size. */
  public ByteBuffer newValue() {
    return ByteBuffer.allocateDirect(valueBytes).order(ByteOrder.nativeOrder());
  }

  public int keyBytes() {
    return keyBytes;
  }

  /** For per-CPU maps: each processor's value, padded to 8 bytes, one after the other. */
  public int valueBytes() {
    return valueBytes;
  }

  public int maxEntries() {
    return maxEntries;
  }

  /** The kernel's id of the map. */
  public int id() {
    return id;
  }

  /** The kernel's name of the map: at most 15 characters of the one in the source. */
  public String name() {
    return name;
  }

  int type() {
    return type;
  }

  int fd() {
    return fd;
  }

  private boolean found(int result, String call) throws NativeException {
    if (result == -Errno.ENOENT) {
      return false;
    }
    BpfCalls.check(result, call + " " + name);
    return true;
  }

  /** PERCPU_HASH, PERCPU_ARRAY, LRU_PERCPU_HASH, PERCPU_CGROUP_STORAGE in enum bpf_map_type. */
  private static boolean perCpu(int type) {
    return type == 5 || type == 6 || type == 10 || type == 21;
  }

  /** Gives up the descriptor if it came from {@link #openPinned}. */
  @Override
  public void close() {
    if (owned) {
      LibC.close(fd);
    }
  }
}
