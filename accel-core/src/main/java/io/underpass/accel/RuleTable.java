/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.accel;

import io.underpass.ffm.BpfMap;
import io.underpass.ffm.Layouts.Rule;
import io.underpass.ffm.NativeException;
import io.underpass.policy.Rules;
import java.nio.ByteBuffer;

/**
 * The map {@code rules}. It is not pinned: a helper that adopts flows brings rules of its own, and
 * only its own programs read them.
 */
public final class RuleTable {
  private RuleTable() {}

  /** Before the first sweep: a flow is measured by them once, when its other end is found. */
  public static void fill(BpfMap map, Rules rules) throws NativeException {
    int at = 0;
    for (Rules.Rule rule : rules.list()) {
      ByteBuffer value = map.newValue();
      value.putShort(Rule.LOW, (short) rule.low());
      value.putShort(Rule.HIGH, (short) rule.high());
      value.put(Rule.DECISION, (byte) rule.decision().number());
      map.update(map.newKey().putInt(0, at++), value, BpfMap.ANY);
    }
  }
}
