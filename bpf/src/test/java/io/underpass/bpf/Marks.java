/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import io.underpass.bpf.behaviour.Steering;
import io.underpass.datapath.EndState;
import io.underpass.helper.SteeredHelper;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Which ends of one program's connections are known to redirect, and since when: only of those it
 * can be demanded that the bytes of a behaviour itself went that way.
 */
final class Marks {
  private final SteeredHelper helper;
  private final long pid;

  /** An agent tends a socket after 8, 16 and 32 reads more. */
  private static final int MOST_TRIES = 100;

  private final Map<Ends, Integer> tries = new HashMap<>();

  /** Bytes that the end had redirected when it was seen to redirect; by its id. */
  private final Map<Long, Long> redirecting = new HashMap<>();

  /** Bytes that were seen unread in the psock queue; by the id of the end that has them. */
  private final Map<Long, Long> unread = new HashMap<>();

  Marks(SteeredHelper helper, long pid) {
    this.helper = helper;
    this.pid = pid;
  }

  /**
   * Whether both ends redirect; they are known to from now on. Nothing is unread.
   *
   * @param tended whether their agent has been told that it is registered, and gives them room
   *     soon. Where it has not, or nothing is read by which it would, they are not known to
   *     redirect
   */
  boolean set(Ends ends, boolean tended) throws IOException {
    List<EndState> states =
        helper.ends().stream()
            .filter(s -> s.owner() == pid && ends.have(s.localPort(), s.remotePort()))
            .toList();
    if (states.size() != 2 || !states.stream().allMatch(EndState::redirecting)) {
      return false;
    }
    if (!states.stream().allMatch(EndState::hasRoom)) {
      return !tended || tries.merge(ends, 1, Integer::sum) > MOST_TRIES;
    }
    tries.remove(ends);
    states.forEach(state -> redirecting.put(state.id(), state.redirected()));
    return true;
  }

  /** From now on what is sent goes another way, or it is not known which. */
  void clear() {
    redirecting.clear();
  }

  /** Whether the first end is known to redirect, unless something has been done to it since. */
  boolean has(Ends ends) throws IOException {
    return find(ends).filter(state -> redirecting.containsKey(state.id())).isPresent();
  }

  void forget() {
    tries.clear();
    redirecting.clear();
    unread.clear();
  }

  /** Whether the first end has redirected so many bytes since the mark; yes, if there is none. */
  String redirected(Ends ends, long least) throws IOException {
    Optional<EndState> sender = find(ends);
    Long before = sender.map(s -> redirecting.get(s.id())).orElse(null);
    if (before == null || sender.get().redirected() - before >= least) {
      return Steering.OK;
    }
    return "redirected " + (sender.get().redirected() - before) + ": " + sender.get();
  }

  /**
   * Whether that many bytes wait in the first end's psock queue. To be demanded if the other end
   * redirects; and if they were seen there before, since only their reader can take them away.
   *
   * @param exactly not more
   */
  String queued(Ends ends, long count, boolean exactly) throws IOException {
    Optional<EndState> receiver = find(ends);
    Optional<EndState> sender = find(ends.swapped());
    if (receiver.isEmpty()) {
      return Steering.OK;
    }
    EndState state = receiver.get();
    Long seen = unread.get(state.id());
    boolean redirects = sender.isPresent() && redirecting.containsKey(sender.get().id());
    if (!redirects && (seen == null || seen != count)) {
      return Steering.OK;
    }
    unread.put(state.id(), count);
    boolean there =
        (exactly && helper.countsQueued()) ? state.queued() == count : state.queued() > 0;
    return there ? Steering.OK : "not " + count + " bytes queued: " + state;
  }

  private Optional<EndState> find(Ends ends) throws IOException {
    return helper.ends().stream()
        .filter(
            s ->
                s.owner() == pid
                    && s.localPort() == ends.client()
                    && s.remotePort() == ends.server())
        .findFirst();
  }
}
