package io.underpass.bpf.soak;

import io.underpass.bpf.Pinning;
import io.underpass.bpf.soak.Event.Action;
import io.underpass.ffm.BpfMap;
import io.underpass.ffm.Layouts;
import io.underpass.protocol.HelperClient;
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

  private final Path folder;
  private final Map<Regime, Place> places = new EnumMap<>(Regime.class);

  /** Whose turn it is. */
  private Place place;

  /** Null while this process is not registered. Used by one event at a time. */
  private HelperClient registration;

  private long kills;
  private final AtomicBoolean closed = new AtomicBoolean();

  /**
   * @param mortal whether the helper can be killed: it then has a process of its own
   */
  Enrolment(boolean mortal) throws IOException {
    folder = Files.createTempDirectory("underpass-soak");
    for (Regime regime : Regime.values()) {
      Path socket = folder.resolve(regime + ".sock");
      Path pins = Pinning.newFolder();
      SoakHelper helper =
          mortal
              ? SoakHelper.process(socket, pins, regime)
              : SoakHelper.embedded(socket, pins, regime);
      BpfMap socks = BpfMap.openPinned(pins.resolve("v" + Layouts.UP_ABI).resolve("socks"));
      places.put(regime, new Place(socket, helper, socks));
    }
    begin(Regime.EVERY);
  }

  /** Reads for one thread. */
  FlowRecords records(Regime regime) {
    return new FlowRecords(places.get(regime).socks);
  }

  /** From here on this regime's helper is the one: no flow may be open. */
  void begin(Regime regime) throws IOException {
    Place next = places.get(regime);
    if (place != next) {
      if (place != null) {
        dismiss();
      }
      place = next;
    }
    register();
  }

  long kills() {
    return kills;
  }

  boolean isClosed() {
    return closed.get();
  }

  void perform(Action action) throws IOException {
    switch (action) {
      case SWEEP -> {}
      case ENROL -> register();
      case UNENROL -> dismiss();
      case KILL -> {
        place.helper.killAndRestart();
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
    try (HelperClient observer = HelperClient.connect(place.socket, PATIENCE)) {
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
