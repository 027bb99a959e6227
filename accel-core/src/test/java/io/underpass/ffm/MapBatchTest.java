/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ffm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import io.underpass.testing.KernelTest;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@link BpfMap#forEachBatch} against the kernel. */
@KernelTest
class MapBatchTest {
  private static final int ENTRIES = 5_000;

  @TempDir private Path folder;
  private BpfObject object;
  private BpfMap table;

  @BeforeEach
  void load() throws Exception {
    object = BpfObject.open(Compiler.bpf(folder), "bindings");
    object.setMaxEntries("table", 2 * ENTRIES);
    object.load();
    table = object.map("table");
  }

  @AfterEach
  void close() {
    object.close();
  }

  @Test
  void anEmptyMapHasNoBatch() throws Exception {
    table.forEachBatch((_, _) -> fail("nothing is in it"));
    fill(1);
    assertTrue(table.delete(table.newKey()));
    table.forEachBatch((_, _) -> fail("nothing is in it any more"));
  }

  @Test
  void everyEntryIsSeenOnceWithItsValue() throws Exception {
    fill(ENTRIES);
    List<Integer> batches = new ArrayList<>();
    Map<Integer, Long> seen = new TreeMap<>();
    table.forEachBatch(
        (keys, values) -> {
          batches.add(keys.limit() / Integer.BYTES);
          collect(keys, values, seen);
        });
    assertEquals(expected(ENTRIES), seen);
    assertTrue(batches.size() > ENTRIES / 1024, () -> "few calls, but not one: " + batches);
    assertTrue(batches.size() < ENTRIES / 100, () -> "few calls: " + batches);
  }

  @Test
  void aBucketThatHasMoreThanThereIsRoomForMakesTheRoomLarger() throws Exception {
    fill(ENTRIES);
    Map<Integer, Long> seen = new TreeMap<>();
    // 16,384 buckets: it cannot be that none has two.
    table.forEachBatch(1, (keys, values) -> collect(keys, values, seen));
    assertEquals(expected(ENTRIES), seen);
  }

  @Test
  void whatIsThereAllTheWhileIsSeenThoughOthersComeAndGo() throws Exception {
    fill(ENTRIES);
    Map<Integer, Long> seen = new TreeMap<>();
    ByteBuffer key = table.newKey();
    table.forEachBatch(
        (keys, values) -> {
          collect(keys, values, seen);
          try {
            for (int other = ENTRIES; other < ENTRIES + 1000; other++) {
              key.putInt(0, other);
              if (!table.delete(key)) {
                table.update(key, table.newValue().putLong(0, valueOf(other)), BpfMap.ANY);
              }
            }
          } catch (NativeException e) {
            throw new AssertionError(e);
          }
        });
    seen.keySet().removeIf(k -> k >= ENTRIES);
    assertEquals(expected(ENTRIES), seen);
  }

  @Test
  void aBatchIsGoodDuringTheCallOnly() throws Exception {
    fill(1);
    List<ByteBuffer> kept = new ArrayList<>();
    table.forEachBatch((keys, _) -> kept.add(keys));
    assertThrows(IllegalStateException.class, () -> kept.getFirst().get(0));
  }

  private void fill(int count) throws NativeException {
    ByteBuffer key = table.newKey();
    ByteBuffer value = table.newValue();
    for (int i = 0; i < count; i++) {
      table.update(key.putInt(0, i), value.putLong(0, valueOf(i)), BpfMap.ANY);
    }
  }

  private static void collect(ByteBuffer keys, ByteBuffer values, Map<Integer, Long> seen) {
    int count = keys.remaining() / Integer.BYTES;
    assertEquals(count, values.remaining() / Long.BYTES);
    for (int i = 0; i < count; i++) {
      int key = keys.getInt(i * Integer.BYTES);
      assertFalse(seen.containsKey(key), () -> key + " comes twice");
      seen.put(key, values.getLong(i * Long.BYTES));
    }
  }

  private static Map<Integer, Long> expected(int count) {
    Map<Integer, Long> all = new TreeMap<>();
    for (int i = 0; i < count; i++) {
      all.put(i, valueOf(i));
    }
    return all;
  }

  private static long valueOf(int key) {
    return 3L * key + 1;
  }
}
