package io.underpass.bpf.soak;

import io.underpass.bpf.soak.Event.Action;
import io.underpass.ffm.BpfMap;
import io.underpass.ffm.Layouts;
import io.underpass.protocol.HelperClient;
import io.underpass.testing.Pinning;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;

/** What the events do: a helper, and this JVM's registration with it, on and off. */
final class Enrolment implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final Path folder;
  private final Path socket;
  private final SoakHelper helper;
  private final BpfMap socks;

  /** Null while this process is not registered. Used by one event at a time. */
  private HelperClient registration;

  private long kills;
  private final AtomicBoolean closed = new AtomicBoolean();

  /**
   * @param mortal whether the helper can be killed: it then has a process of its own
   */
  Enrolment(boolean mortal) throws IOException {
    folder = Files.createTempDirectory("underpass-soak");
    socket = folder.resolve("helper.sock");
    Path pins = Pinning.newFolder();
    helper = mortal ? SoakHelper.process(socket, pins) : SoakHelper.embedded(socket, pins);
    socks = BpfMap.openPinned(pins.resolve("v" + Layouts.UP_ABI).resolve("socks"));
    register();
  }

  FlowRecords records() {
    return new FlowRecords(socks);
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
        helper.killAndRestart();
        kills++;
        if (registration != null) {
          registration.close(); // the other end went with the helper
          registration = null;
        }
        register();
      }
    }
    helper.sweep();
  }

  void register() throws IOException {
    if (registration == null) {
      registration = HelperClient.connect(socket, PATIENCE);
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
    try (HelperClient observer = HelperClient.connect(socket, PATIENCE)) {
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
    socks.close();
    helper.close();
    Files.deleteIfExists(folder);
  }
}
