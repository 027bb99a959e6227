/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.session;

import io.underpass.protocol.Probe;
import java.nio.file.Path;
import java.util.List;

/**
 * How far the session with the helper has come, for people.
 *
 * @param state {@code registered}, {@code refused} (it is, but the kernel is not fit), {@code
 *     plain} (never was), or {@code helper-gone}
 * @param reason why it is not registered; empty if it is
 * @param remedy what helps; empty if it is registered
 * @param helper the helper's version, or the last known; empty if there never was one
 * @param id of the registration, or the last; 0 if there never was one
 * @param probes what the helper found out about the kernel, as of the last registration
 */
public record SessionState(
    String state, String reason, String remedy, String helper, long id, List<Probe> probes) {
  static SessionState registered(String helper, long id, List<Probe> probes) {
    String refusal = Probe.refusal(probes);
    return refusal.isEmpty()
        ? new SessionState("registered", "", "", helper, id, probes)
        : new SessionState(
            "refused",
            refusal,
            "run another kernel; underpass doctor says more",
            helper,
            id,
            probes);
  }

  static SessionState plain(Trouble trouble) {
    return new SessionState("plain", trouble.reason(), trouble.remedy(), "", 0, List.of());
  }

  /** The helper went away; one that was not accelerated is what it was. */
  SessionState gone(Path socket) {
    if (id == 0) {
      return this;
    }
    return new SessionState(
        "helper-gone",
        "the helper at "
            + socket
            + " went away; what is enrolled stays so, the numbers stand still",
        "start it: underpass helper",
        helper,
        id,
        probes);
  }

  /** Another attempt failed. */
  SessionState still(Trouble trouble) {
    return id == 0
        ? plain(trouble)
        : new SessionState(state, trouble.reason(), trouble.remedy(), helper, id, probes);
  }
}
