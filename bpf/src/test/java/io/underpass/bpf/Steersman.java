/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import io.underpass.Reason;
import io.underpass.bpf.behaviour.Steering;
import io.underpass.helper.SteeredHelper;
import io.underpass.protocol.FlowView;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.function.Predicate;

/**
 * Answers the requests of one program ({@link Steering}): makes the mode happen, and makes sure
 * that it did, by what the helper and the kernel know of the flow.
 */
final class Steersman {
  /** What becomes of each connection. */
  enum Mode {
    /** The process is registered before its sockets are made; enrolled before any bytes. */
    FROM_THE_HANDSHAKE,
    /** Plain, until the moment: the process registers then. */
    IN_MID_STREAM,
    /** Enrolled before any bytes, until the moment: the process is registered no more. */
    TAKEN_OFF,
    /**
     * Enrolled before any bytes; then let go and taken up over and over, without regard to what the
     * program does.
     */
    AT_RANDOM,
    /**
     * Enrolled before any bytes, and ever after; from the moment on by TCP all the same, from the
     * next one on redirected again.
     */
    SWITCHED;

    /** Whether it changes at moments, for each of which a behaviour is run. */
    boolean changes() {
      return this == IN_MID_STREAM || this == TAKEN_OFF || this == SWITCHED;
    }
  }

  private final SteeredHelper helper;
  private final Mode mode;
  private final long pid;
  private final long seed;

  private boolean taken;

  /** The moment of this behaviour's run has come. */
  private boolean struck;

  /** Bytes that had been redirected each way when the flow was taken off. */
  private long redirectedBefore;

  /** Bytes that had been redirected when it was pinned for urgent data; -1 if it was not. */
  private long pinnedAt = -1;

  private final Marks marks;
  private final Switcher switcher;

  /** How often the kernel has confirmed the mode, in this behaviour. */
  private int confirmed;

  /** The same, by behaviour, of those in which it has. */
  private final Map<String, Integer> confirmedBy = new TreeMap<>();

  /** How often it was let go; at random only. */
  private int rounds;

  /** Of AT_RANDOM, from the start on. */
  private Toggler toggler;

  /**
   * Of one program.
   *
   * @param seed of what is done at random
   */
  Steersman(SteeredHelper helper, Mode mode, long pid, long seed) {
    this.helper = helper;
    this.mode = mode;
    this.pid = pid;
    this.seed = seed;
    this.marks = new Marks(helper, pid);
    this.switcher = new Switcher(helper, pid);
  }

  /** How often the mode was confirmed, by behaviour; no entry is never. */
  Map<String, Integer> confirmed() {
    return confirmedBy;
  }

  int rounds() {
    return rounds;
  }

  /** The answer to a request. */
  String answer(String request) throws Exception {
    if (request.startsWith(Steering.OVER + " ")) {
      return over(request.substring(Steering.OVER.length() + 1));
    }
    String[] words = request.split(" ", -1);
    Ends ends =
        words.length >= 3
            ? new Ends(Integer.parseInt(words[1]), Integer.parseInt(words[2]))
            : new Ends(0, 0);
    long count = words.length == 4 ? Long.parseLong(words[3]) : 0;
    return switch (words[0]) {
      case Steering.START -> start();
      case Steering.PAIR -> pair(ends);
      // Nobody can ask for an end that is not accepted.
      case Steering.UNACCEPTED -> Steering.OK;
      case Steering.WARM -> warm(ends);
      case Steering.SETTLED -> moment(ends, true);
      case Steering.PENDING -> moment(ends, false);
      case Steering.HALF_CLOSED -> halfClosed(ends);
      case Steering.IDLE -> idle();
      case Steering.CHECK -> check(ends);
      case Steering.ALONE -> alone(ends);
      case Steering.REDIRECTED -> marks.redirected(ends, count);
      case Steering.PINNED -> pinned(ends);
      case Steering.QUEUED -> marks.queued(ends, count, true);
      case Steering.QUEUED_SOME -> marks.queued(ends, count, false);
      case Steering.END -> end();
      default -> "unknown";
    };
  }

  private String start() throws IOException, InterruptedException {
    long end = System.nanoTime() + Testbed.PATIENCE.toNanos();
    while (!helper.isRegistered(pid)) { // the agent tries again after a second
      if (System.nanoTime() > end) {
        return "the agent does not register";
      }
      Thread.sleep(1);
    }
    if (mode == Mode.FROM_THE_HANDSHAKE || mode == Mode.SWITCHED) {
      take();
    } else if (mode == Mode.AT_RANDOM) {
      toggler = new Toggler(helper, pid, seed);
    }
    return Steering.OK;
  }

  private String pair(Ends ends) throws IOException, InterruptedException {
    if (mode == Mode.TAKEN_OFF) {
      take();
    } else if (mode == Mode.AT_RANDOM) {
      toggler.hold();
    }
    if (mode == Mode.IN_MID_STREAM) {
      return Steering.OK;
    }
    String answer = awaitAccelerated(ends);
    if (mode == Mode.AT_RANDOM) {
      confirm(answer); // later it may be anything
    }
    return answer;
  }

  private String warm(Ends ends) throws IOException, InterruptedException {
    String answer = mode == Mode.IN_MID_STREAM ? Steering.OK : redirected(ends);
    if (mode == Mode.AT_RANDOM && answer.equals(Steering.OK)) {
      marks.clear();
      toggler.go();
    }
    return answer;
  }

  /** Where the mode has moments, only what is so after one says anything of it. */
  private String confirm(String answer) {
    if (answer.equals(Steering.OK) && (struck || !mode.changes())) {
      confirmed++;
    }
    return answer;
  }

  /** The moment has come. */
  private void strike() {
    struck = true;
    if (mode.changes()) {
      marks.clear();
    }
  }

  private String moment(Ends ends, boolean settled) throws IOException, InterruptedException {
    strike();
    return switch (mode) {
      case FROM_THE_HANDSHAKE, AT_RANDOM -> Steering.OK;
      case SWITCHED -> confirm(switcher.turn(ends));
      case IN_MID_STREAM -> {
        take();
        yield confirm(awaitAccelerated(ends));
      }
      case TAKEN_OFF -> {
        letGo();
        // What is unread stays where it is, and its socket with it.
        String answer =
            settled ? awaitOff(ends, 2) : await(ends, f -> !f.accelerated(), "not let go");
        redirectedBefore = redirectedBytes(ends);
        yield confirm(answer);
      }
    };
  }

  /** A connection that is half closed is not enrolled any more, but can be taken off. */
  private String halfClosed(Ends ends) throws IOException, InterruptedException {
    strike();
    return switch (mode) {
      case FROM_THE_HANDSHAKE, AT_RANDOM -> Steering.OK;
      case SWITCHED -> confirm(switcher.turn(ends));
      case IN_MID_STREAM -> {
        take();
        yield flows(ends).stream().noneMatch(FlowView::accelerated)
            ? confirm(Steering.OK)
            : "accelerated";
      }
      case TAKEN_OFF -> {
        letGo();
        yield confirm(awaitOff(ends, 0));
      }
    };
  }

  /** The moment, with no connection there. */
  private String idle() throws IOException {
    if (mode == Mode.AT_RANDOM) {
      return Steering.OK;
    }
    strike(); // where it is to be switched, there is nothing to switch yet
    if (mode == Mode.TAKEN_OFF) {
      letGo();
    } else {
      take();
    }
    redirectedBefore = 0;
    return Steering.OK;
  }

  private String check(Ends ends) throws IOException, InterruptedException {
    return switch (mode) {
      case FROM_THE_HANDSHAKE -> redirected(ends);
      case AT_RANDOM -> Steering.OK;
      case SWITCHED -> switcher.isToTcp() ? confirm(switcher.stays(ends)) : redirected(ends);
      case IN_MID_STREAM -> struck ? redirected(ends) : Steering.OK;
      case TAKEN_OFF -> struck ? stayedOff(ends) : redirected(ends);
    };
  }

  private String stayedOff(Ends ends) throws IOException, InterruptedException {
    String answer = awaitOff(ends, 0);
    if (redirectedBytes(ends) != redirectedBefore) {
      return "redirected after it was taken off: " + flows(ends);
    }
    return confirm(answer);
  }

  /** Whether each end's last bytes were redirected. */
  private String redirected(Ends ends) throws IOException, InterruptedException {
    String answer = awaitAccelerated(ends);
    // The first bytes go by TCP, until they are read and acknowledged.
    if (answer.equals(Steering.OK) && !marks.set(ends, mode != Mode.IN_MID_STREAM)) {
      return Steering.MORE;
    }
    return confirm(answer);
  }

  private String pinned(Ends ends) throws IOException, InterruptedException {
    if (!marks.has(ends)) {
      return Steering.OK;
    }
    String answer = await(ends, f -> f.reason() == Reason.PINNED, "not pinned");
    if (answer.equals(Steering.OK)) {
      answer = awaitOff(ends, 2);
    }
    long redirected = redirectedBytes(ends);
    if (pinnedAt >= 0 && redirected != pinnedAt) {
      return "redirected after urgent data: " + flows(ends);
    }
    pinnedAt = redirected;
    return answer;
  }

  private String alone(Ends ends) throws IOException {
    if (mode == Mode.AT_RANDOM) {
      return Steering.OK;
    }
    boolean takenHere = !taken;
    take();
    for (int i = 0; i < 5; i++) {
      List<FlowView> flows = flows(ends);
      if (flows.isEmpty()) {
        return "not known";
      }
      for (FlowView flow : flows) {
        boolean plain =
            !flow.accelerated()
                && (flow.reason() == Reason.UNDECIDED || flow.reason() == Reason.NO_PEER);
        if (!plain || helper.isMember(flow.id())) {
          return "should be plain: " + flow;
        }
      }
    }
    if (takenHere) {
      letGo();
    }
    confirmed++;
    return Steering.OK;
  }

  /** The behaviour of that name has ended. */
  private String over(String name) throws IOException {
    if (confirmed > 0) {
      confirmedBy.merge(name, confirmed, Integer::sum);
    }
    confirmed = 0;
    struck = false;
    pinnedAt = -1;
    marks.forget();
    switcher.back();
    if (mode == Mode.IN_MID_STREAM || mode == Mode.TAKEN_OFF) {
      letGo();
    }
    return Steering.OK;
  }

  private String end() throws InterruptedException, ExecutionException {
    if (toggler != null) {
      toggler.stop();
      rounds = toggler.rounds();
    }
    return Steering.OK;
  }

  private void take() throws IOException {
    if (!taken) {
      helper.take(pid);
      taken = true;
    }
  }

  private void letGo() {
    if (taken) {
      helper.letGo(pid);
      taken = false;
    }
  }

  private String awaitAccelerated(Ends ends) throws IOException, InterruptedException {
    return await(ends, FlowView::accelerated, "not accelerated");
  }

  /** Neither end is in the sockhash; at the least so many of them have records. */
  private String awaitOff(Ends ends, int least) throws IOException, InterruptedException {
    List<FlowView> flows = new ArrayList<>();
    long end = System.nanoTime() + Testbed.PATIENCE.toNanos();
    do {
      flows = flows(ends);
      boolean off = flows.size() >= least;
      for (FlowView flow : flows) {
        off &= !helper.isMember(flow.id());
      }
      if (off) {
        return Steering.OK;
      }
      Thread.sleep(1);
    } while (System.nanoTime() < end);
    return "not taken off: " + flows;
  }

  private String await(Ends ends, Predicate<FlowView> wanted, String complaint)
      throws IOException, InterruptedException {
    long end = System.nanoTime() + Testbed.PATIENCE.toNanos();
    List<FlowView> flows;
    do {
      flows = flows(ends);
      if (flows.size() == 2 && flows.stream().allMatch(wanted)) {
        return Steering.OK;
      }
      Thread.sleep(1);
    } while (System.nanoTime() < end);
    return complaint + ": " + flows;
  }

  private long redirectedBytes(Ends ends) throws IOException {
    return flows(ends).stream().mapToLong(f -> f.tx().redirectedBytes()).sum();
  }

  /** The connection's flows, after a sweep: one for each end. */
  private List<FlowView> flows(Ends ends) throws IOException {
    return helper.sweep().stream().filter(f -> f.owner() == pid && ends.have(f)).toList();
  }
}
