/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.soak;

import io.underpass.Reason;
import io.underpass.ffm.BpfMap;
import io.underpass.ffm.FlowLayouts;
import io.underpass.ffm.FlowLayouts.Counters;
import io.underpass.ffm.FlowLayouts.Sock;
import io.underpass.ffm.NativeException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;

/** Reads the flow record of one socket, by its descriptor; of one thread each. */
final class FlowRecords {
  /**
   * What the record says; {@link #NONE} where there is none.
   *
   * @param enrolledNanos when it was enrolled last
   * @param bytes that it sent while it was enrolled, as the programs count them
   * @param trials how often it was taken off for its traffic
   * @param again it is taken up because its traffic has changed
   */
  record View(
      int state,
      long enrolledNanos,
      Reason reason,
      int trials,
      boolean again,
      long bytes,
      long redirectedBytes,
      long redirectedMessages,
      long switches) {
    static final View NONE = new View(FlowLayouts.UP_NEW, 0, Reason.NONE, 0, false, 0, 0, 0, 0);

    boolean enrolled() {
      return state == FlowLayouts.UP_ENROLLED
          || state == FlowLayouts.UP_READY
          || state == FlowLayouts.UP_LEAVING;
    }

    /** Whether it was enrolled all the time between two looks, or not for a moment. */
    boolean isAsThen(View then) {
      return enrolledNanos == then.enrolledNanos
          && enrolled() == then.enrolled()
          && (enrolled() || (state == then.state && state != FlowLayouts.UP_WANTED));
    }
  }

  /** {@code UP_F_TRIAL} */
  private static final int TRIAL = 2;

  private final BpfMap socks;
  private final ByteBuffer key;
  private final ByteBuffer value;

  FlowRecords(BpfMap socks) {
    this.socks = socks;
    key = socks.newKey();
    value = socks.newValue();
  }

  View of(SocketChannel channel) throws NativeException {
    if (!socks.lookup(key.putInt(0, Options.fd(channel)), value)) {
      return View.NONE;
    }
    return new View(
        value.getInt(Sock.STATE),
        value.getLong(Sock.ENROLLED_NS),
        Reason.ofNumber(value.get(Sock.REASON)),
        value.get(Sock.TRIALS) & 0xff,
        (value.get(Sock.FLAGS) & TRIAL) != 0,
        value.getLong(Sock.TX_COUNTERS + Counters.REDIRECTED_BYTES)
            + value.getLong(Sock.TX_COUNTERS + Counters.PASSED_BYTES),
        value.getLong(Sock.TX_COUNTERS + Counters.REDIRECTED_BYTES),
        value.getLong(Sock.TX_COUNTERS + Counters.REDIRECTED_MESSAGES),
        value.getLong(Sock.TX_COUNTERS + Counters.SWITCHES));
  }
}
