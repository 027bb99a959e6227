/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ffm;

import java.nio.ByteBuffer;

/**
 * Waits until every BPF program that runs now has ended.
 *
 * <p>An update of a map of maps does so before it returns (kernel/bpf/syscall.c,
 * maybe_wait_bpf_programs, "synchronize_rcu"), on every machine: membarrier(2), which looks like
 * the call for it, does nothing on one with a single processor, and is refused on one with
 * nohz_full.
 */
public final class GracePeriod {
  private final BpfMap outer;
  private final ByteBuffer key;
  private final ByteBuffer inner;

  /** Uses the object's maps {@code grace} and {@code grace_inner}. */
  public GracePeriod(BpfObject object) throws NativeException {
    this.outer = object.map("grace");
    this.key = outer.newKey();
    this.inner = outer.newValue().putInt(0, object.map("grace_inner").fd());
  }

  /** Returns when the grace period is over: some 10 ms. */
  public void await() throws NativeException {
    outer.update(key, inner, BpfMap.ANY);
  }
}
