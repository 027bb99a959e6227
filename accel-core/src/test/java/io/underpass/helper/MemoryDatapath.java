/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.helper;

import io.underpass.Reason;
import io.underpass.policy.Net;
import io.underpass.protocol.Drained;
import io.underpass.protocol.ErrorCode;
import io.underpass.protocol.FlowView;
import io.underpass.protocol.GroupWish;
import io.underpass.protocol.HelperState;
import io.underpass.protocol.Probe;
import io.underpass.protocol.Totals;
import io.underpass.protocol.UserShare;
import io.underpass.protocol.WireException;
import io.underpass.service.Datapath;
import io.underpass.service.Registration;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/** A data path that carries nothing: it keeps the registrations, each with some flows. */
final class MemoryDatapath implements Datapath {
  private final Map<Integer, Registration> admitted = new ConcurrentHashMap<>();
  private final int room;
  private final int flowsEach;

  /** Of the helper; null before it has started. */
  private volatile Consumer<Throwable> failed;

  /** Thrown by whatever looks at flows; null: nothing is. */
  volatile Error error;

  /** Whose processes hang while they are looked at, as long as this latch. */
  volatile int hangingUid;

  /** Whether its end hangs, likewise. */
  volatile boolean hangsAtClose;

  final CountDownLatch hanging = new CountDownLatch(1);

  /** With room for so many registrations. */
  MemoryDatapath(int room, int flowsEach) {
    this.room = room;
    this.flowsEach = flowsEach;
  }

  /** Something that the helper cannot do without has failed. */
  void fail(Throwable e) {
    failed.accept(e);
  }

  Map<Integer, Registration> admitted() {
    return admitted;
  }

  @Override
  public int firstId() {
    return 100;
  }

  @Override
  public void admit(Registration registration) throws IOException {
    if (hangingUid != 0 && registration.uid() == hangingUid) {
      awaitHanging();
    }
    if (admitted.size() >= room) {
      throw new WireException(ErrorCode.FULL, "no room for another registration");
    }
    admitted.put(registration.id(), registration);
  }

  @Override
  public List<UserShare> users() {
    return List.of();
  }

  @Override
  public void claim(Registration registration) {}

  @Override
  public String joinGroup(
      Registration registration, GroupWish wish, boolean datagrams, List<Net> pools) {
    return "";
  }

  @Override
  public void datagrams(Registration registration) {}

  @Override
  public Ports ports(PortQuery query) {
    return new Ports(0, List.of());
  }

  @Override
  public void dismiss(Registration registration) {
    if (admitted.remove(registration.id()) == null) {
      throw new IllegalStateException("dismissed twice: " + registration);
    }
  }

  @Override
  public Totals totals(Registration registration) {
    return new Totals(registration.id(), 2, 3, 4, 5, 6, Map.of(Reason.NO_PEER, 7L));
  }

  @Override
  public Flows flows(int id, int limit) {
    if (error != null) {
      throw error;
    }
    List<FlowView> all = new ArrayList<>();
    for (Registration r : admitted.values()) {
      for (int i = 0; (id == ALL || r.id() == id) && i < flowsEach; i++) {
        all.add(
            new FlowView(
                i,
                "127.0.0.1:" + i,
                "127.0.0.1:80",
                r.pid(),
                true,
                Reason.NONE,
                1,
                FlowView.Counters.ZERO,
                FlowView.Counters.ZERO,
                0,
                0,
                0));
      }
    }
    return new Flows(all.size(), all.subList(0, Math.min(limit, all.size())));
  }

  @Override
  public Map<Integer, Long> flowCounts() {
    return admitted.keySet().stream().collect(Collectors.toMap(id -> id, id -> (long) flowsEach));
  }

  @Override
  public Drained drain(Duration wait) {
    return new Drained(
        false, 1, 2, List.of(new Drained.Held(7, "127.0.0.1:1", "127.0.0.1:2", wait.toSeconds())));
  }

  @Override
  public HelperState state() {
    return HelperState.RUNNING;
  }

  @Override
  public String reason() {
    return "";
  }

  @Override
  public List<Probe> probes() {
    return List.of(
        new Probe("order", Probe.Outcome.OK, ""),
        new Probe("fionread", Probe.Outcome.OFF, "it counts 0 of 7"));
  }

  @Override
  public void whenFailed(Consumer<Throwable> who) {
    failed = who;
  }

  @Override
  public void sweep() {}

  @Override
  public void close() {
    if (hangsAtClose) {
      awaitHanging();
    }
  }

  private void awaitHanging() {
    try {
      hanging.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
