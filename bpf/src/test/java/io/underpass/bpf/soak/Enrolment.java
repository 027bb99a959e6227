/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.soak;

import io.underpass.bpf.soak.Event.Action;
import io.underpass.ffm.BpfMap;
import io.underpass.kernel.BuiltObject;
import io.underpass.protocol.HelperClient;
import io.underpass.service.HelperConfig;
import io.underpass.testing.Pinning;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;

/**
 * What the events do: a helper for each {@link Regime}, and this JVM's registration with one of
 * them, on and off.
 */
final class Enrolment implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  /** One helper, and the flow records of its programs. */
  private record Place(Path socket, SoakHelper helper, BpfMap socks) {}

  private final boolean mortal;
  private final int fault;
  private final Path folder;
  private final Map<Regime, Place> places = new EnumMap<>(Regime.class);

  /** Whose turn it is. */
  private Place place;

  /** Null while this process is not registered. Used by one event at a time. */
  private HelperClient registration;

  /** Of the helper whose turn it is. */
  private boolean paused;

  private long kills;

  /** When a helper was killed last, since a group began; later than anything if none was. */
  private volatile long killedNanos = Long.MAX_VALUE;

  private final AtomicBoolean closed = new AtomicBoolean();

  /**
   * @param mortal whether the helper can be killed: it then has a process of its own
   * @param fault {@code UP_FAULT_*}: what the programs of an immortal one do wrong; 0 in use
   */
  Enrolment(boolean mortal, int fault) throws IOException {
    folder = Files.createTempDirectory("underpass-soak");
    this.mortal = mortal;
    this.fault = fault;
    begin(Regime.EVERY);
  }

  /** Reads for one thread, once the regime's helper has been there. */
  FlowRecords records(Regime regime) {
    return new FlowRecords(places.get(regime).socks);
  }

  /** From here on this regime's helper is the one: no flow may be open. */
  void begin(Regime regime) throws IOException {
    killedNanos = Long.MAX_VALUE;
    if (place != null) {
      pause(false);
    }
    Place next = places.get(regime);
    if (next == null) {
      next = start(regime);
      places.put(regime, next);
    }
    if (place != null && !place.equals(next)) {
      dismiss();
    }
    place = next;
    register();
  }

  /** Leaves this process to another one's helpers, until it begins again. */
  void rest() throws IOException {
    pause(false);
    dismiss();
  }

  private Place start(Regime regime) throws IOException {
    Path socket = folder.resolve(regime + ".sock");
    Path pins = Pinning.newFolder();
    SoakHelper helper =
        mortal
            ? SoakHelper.process(socket, pins, regime)
            : SoakHelper.embedded(socket, pins, regime.tuning(fault));
    return new Place(
        socket, helper, BpfMap.openPinned(BuiltObject.DATAPATH.pinFolder(pins).resolve("socks")));
  }

  long kills() {
    return kills;
  }

  /** By {@link System#nanoTime}, which is the clock of the flow records. */
  long killedNanos() {
    return killedNanos;
  }

  boolean isClosed() {
    return closed.get();
  }

  void perform(Action action) throws IOException {
    switch (action) {
      case SWEEP -> {}
      case ENROL -> register();
      case UNENROL -> dismiss();
      case PAUSE -> pause(true);
      case RESUME -> pause(false);
      case KILL -> {
        killedNanos = place.helper.killAndRestart(); // which ends a pause
        paused = false;
        kills++;
        if (registration != null) {
          registration.close(); // the other end went with the helper
          registration = null;
        }
        register();
      }
    }
    place.helper.sweep();
  }

  private void pause(boolean now) throws IOException {
    if (paused != now) {
      place.helper.pause(now);
      paused = now;
    }
  }

  private void register() throws IOException {
    if (registration == null) {
      registration = HelperClient.connect(place.socket, PATIENCE);
      registration.register("on").orThrow();
    }
  }

  private void dismiss() throws IOException {
    if (registration == null) {
      return;
    }
    registration.close();
    registration = null;
    long until = System.nanoTime() + PATIENCE.toNanos();
    try (HelperClient observer =
        HelperClient.connect(HelperConfig.adminSocketOf(place.socket), PATIENCE)) {
      while (observer.status().registrations() > 0) {
        if (System.nanoTime() - until > 0) {
          throw new IOException("the helper does not notice that a client is gone");
        }
        LockSupport.parkNanos(200_000);
      }
    }
  }

  /** A second call, by a shutdown hook say, does nothing. */
  @Override
  public void close() throws IOException {
    if (closed.getAndSet(true)) {
      return;
    }
    if (registration != null) {
      registration.close();
    }
    for (Place each : places.values()) {
      each.socks.close();
      each.helper.close();
    }
    Files.deleteIfExists(folder);
  }
}
