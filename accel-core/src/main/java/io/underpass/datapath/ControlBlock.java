package io.underpass.datapath;

import io.underpass.ffm.BpfMap;
import io.underpass.ffm.Layouts;
import io.underpass.ffm.Layouts.Control;
import io.underpass.ffm.NativeException;
import java.nio.ByteBuffer;

/**
 * The one entry of the map {@code control}: the helper's word to the programs, and what a scan
 * found. Guarded by the sweep's lock, except that the programs clear {@code armed}.
 */
final class ControlBlock {
  private final BpfMap map;
  private final ByteBuffer key;
  private final ByteBuffer value;

  /**
   * What one scan found.
   *
   * @param again it asks the next one to compare settled flows with their other end: it may have
   *     visited those before it found that there is reason to
   */
  record Found(
      int unsettled, int pending, int progress, int visited, int enrolled, boolean again) {}

  ControlBlock(BpfMap map) throws NativeException {
    this.map = map;
    this.key = map.newKey();
    this.value = map.newValue();
    ByteBuffer left = map.newValue();
    map.lookup(key, left);
    // Flows that an earlier helper left as no-peer compare with it: it must go on from there.
    value.putInt(Control.GENERATION, left.getInt(Control.GENERATION) + 1);
  }

  /** Makes every verdict pass, or lets them redirect again. */
  void pause(boolean paused) {
    value.putInt(Control.PAUSED, paused ? 1 : 0);
  }

  /** Makes sockets that found no other end look again: the set of registrations has changed. */
  void nextGeneration() {
    value.putInt(Control.GENERATION, value.getInt(Control.GENERATION) + 1);
  }

  /** What {@code up_claim} is to do next. */
  void claim(int tgid, int id, int slot) {
    value.putInt(Control.CLAIM_TGID, tgid);
    value.putInt(Control.CLAIM_ID, id);
    value.putInt(Control.CLAIM_SLOT, slot);
  }

  /** Whose sockets the next scans are to take off; 0 for nobody's. */
  void dismiss(int id) {
    value.putInt(Control.DISMISS_ID, id);
  }

  /** Whether the next scans compare settled flows with their other end. */
  void recheck(boolean all) {
    value.putInt(Control.RECHECK, all ? 1 : 0);
  }

  /**
   * Writes the block, with the counts of the last scan at zero. It is armed: from here on, a
   * connection that a scan may miss wakes the helper.
   */
  void write() throws NativeException {
    value.putInt(Control.ARMED, 1);
    for (int at = Control.UNSETTLED; at <= Control.ENROLLED; at += Integer.BYTES) {
      value.putInt(at, 0);
    }
    map.update(key, value, BpfMap.ANY);
  }

  Found read() throws NativeException {
    ByteBuffer found = map.newValue();
    map.lookup(key, found);
    int recheck = found.getInt(Control.RECHECK);
    recheck(recheck != 0);
    return new Found(
        found.getInt(Control.UNSETTLED),
        found.getInt(Control.PENDING),
        found.getInt(Control.PROGRESS),
        found.getInt(Control.VISITED),
        found.getInt(Control.ENROLLED),
        (recheck & Layouts.UP_RECHECK_NEXT) != 0);
  }
}
