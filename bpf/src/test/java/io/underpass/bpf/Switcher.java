/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import io.underpass.bpf.behaviour.Steering;
import io.underpass.datapath.EndState;
import io.underpass.helper.SteeredHelper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Has the directions of one program go by TCP at a moment, and by redirect again at the next one,
 * while both ends of each connection stay enrolled. It does so to everything of its helper, so the
 * program has that for itself.
 */
final class Switcher {
  private final SteeredHelper helper;
  private final long pid;

  private boolean toTcp;

  /** What the ends were before they were switched to TCP; by id. */
  private final Map<Long, EndState> before = new HashMap<>();

  Switcher(SteeredHelper helper, long pid) {
    this.helper = helper;
    this.pid = pid;
  }

  /** Whether they go by TCP now. */
  boolean isToTcp() {
    return toTcp;
  }

  /** To TCP, or back; the answer is whether both ends are where they were. */
  String turn(Ends ends) throws IOException {
    List<EndState> enrolled = new ArrayList<>();
    boolean pinned = false; // by urgent data: it leaves, whatever is switched
    for (EndState state : ends(ends)) {
      pinned |= state.pinned();
      if (helper.isMember(state.id())) {
        enrolled.add(state);
      }
    }
    before.clear();
    if (toTcp) {
      back();
    } else {
      toTcp = true;
      helper.switchToTcp();
      // As it is now, but for which way it went: that stays until it sends again.
      ends(ends).forEach(state -> before.put(state.id(), state));
    }
    for (EndState state : enrolled) {
      if (!pinned && !helper.isMember(state.id())) {
        return "taken off: " + state;
      }
    }
    return pinned || enrolled.size() == 2 ? Steering.OK : "not both enrolled: " + ends(ends);
  }

  /** Bytes have gone each way since it was switched to TCP: did they go that way? */
  String stays(Ends ends) throws IOException {
    List<EndState> states = ends(ends);
    boolean so = states.size() == 2;
    for (EndState state : states) {
      EndState was = before.get(state.id());
      so &=
          was != null
              && helper.isMember(state.id())
              && !state.redirecting()
              && state.redirected() == was.redirected()
              && (!was.redirecting() || state.switches() > was.switches());
    }
    return so ? Steering.OK : "not switched to TCP: " + before.values() + ", now " + states;
  }

  void back() throws IOException {
    if (toTcp) {
      toTcp = false;
      helper.switchBack();
    }
  }

  private List<EndState> ends(Ends ends) throws IOException {
    return helper.ends().stream()
        .filter(s -> s.owner() == pid && ends.have(s.localPort(), s.remotePort()))
        .toList();
  }
}
