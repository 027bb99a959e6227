/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.accel;

import io.underpass.ffm.BpfMap;
import io.underpass.ffm.Layouts.Control;
import io.underpass.ffm.MappedArray;
import io.underpass.ffm.NativeException;

/**
 * The one entry of the map {@code control}, in memory that the programs share: the helper's word to
 * them, and theirs to it. Thread-safe: each word is set and taken as a whole.
 */
public final class ControlBlock implements AutoCloseable {
  private final MappedArray shared;

  public ControlBlock(BpfMap map) throws NativeException {
    this.shared = new MappedArray(map);
  }

  /** Makes every verdict pass, or lets them redirect again; from the next message on. */
  public void pause(boolean paused) {
    shared.set(Control.PAUSED, paused ? 1 : 0);
  }

  /**
   * From here on, whoever names a socket wakes the helper; what was named before is to be looked
   * for once more before it sleeps.
   */
  void arm() {
    shared.set(Control.ARMED, 1);
  }

  /** Whether sockets were named that the helper will not hear of, since there was no room. */
  boolean takeLost() {
    return shared.getAndSet(Control.LOST, 0) != 0;
  }

  /** Whether a user was refused sockets, which may be for others that were closed. */
  boolean takeCrowded() {
    return shared.getAndSet(Control.CROWDED, 0) != 0;
  }

  /**
   * Notes the policy by which registrations trust each other from here on.
   *
   * @param digest of its lines of trust
   * @return whether the helper before this one went by the same
   */
  public boolean keepPolicy(int digest) {
    return shared.getAndSet(Control.POLICY, digest) == digest;
  }

  @Override
  public void close() {
    shared.close();
  }
}
