/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.accel;

import io.underpass.Reason;
import io.underpass.ffm.BpfMap;
import io.underpass.ffm.FlowLayouts.Counters;
import io.underpass.ffm.Layouts;
import io.underpass.ffm.NativeException;
import io.underpass.protocol.Totals;
import java.nio.ByteBuffer;
import java.util.EnumMap;
import java.util.Map;

/** Sums over all sockets that a registration ever had, kept per processor in {@code totals}. */
public final class TotalsTable {
  private final BpfMap map;

  public TotalsTable(BpfMap map) {
    this.map = map;
  }

  public void clear(int slot) throws NativeException {
    map.update(key(slot), map.newValue(), BpfMap.ANY);
  }

  public Totals read(int slot) throws NativeException {
    ByteBuffer value = map.newValue();
    map.lookup(key(slot), value);
    Map<Reason, Long> plain = new EnumMap<>(Reason.class);
    for (Reason reason : Reason.values()) {
      long count = sum(value, Layouts.Totals.CONNECTIONS_PLAIN + reason.number() * Long.BYTES);
      if (count != 0) {
        plain.put(reason, count);
      }
    }
    return new Totals(
        sum(value, Layouts.Totals.CONNECTIONS_ACCELERATED),
        sum(value, Layouts.Totals.TX + Counters.REDIRECTED_BYTES),
        sum(value, Layouts.Totals.TX + Counters.REDIRECTED_MESSAGES),
        sum(value, Layouts.Totals.TX + Counters.PASSED_BYTES),
        sum(value, Layouts.Totals.TX + Counters.PASSED_MESSAGES),
        sum(value, Layouts.Totals.TX + Counters.SWITCHES),
        plain);
  }

  private ByteBuffer key(int slot) {
    return map.newKey().putInt(0, slot);
  }

  private static long sum(ByteBuffer perProcessor, int offset) {
    long sum = 0;
    for (int at = 0; at < perProcessor.capacity(); at += Layouts.Totals.SIZE) {
      sum += perProcessor.getLong(at + offset);
    }
    return sum;
  }
}
