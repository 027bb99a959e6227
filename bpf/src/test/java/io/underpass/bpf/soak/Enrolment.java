package io.underpass.bpf.soak;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.underpass.bpf.Pinning;
import io.underpass.bpf.soak.Event.Action;
import io.underpass.ffm.BpfMap;
import io.underpass.ffm.Layouts;
import io.underpass.helper.Helper;
import io.underpass.helper.HelperConfig;
import io.underpass.protocol.HelperClient;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/**
 * A helper in this JVM that enrols every pair it finds, and this JVM's registration, on and off.
 */
final class Enrolment implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final Path folder;
  private final Helper helper;
  private final BpfMap socks;

  /** Null while this process is not registered. Used by one event at a time. */
  private HelperClient registration;

  Enrolment() throws IOException {
    folder = Files.createTempDirectory("underpass-soak");
    Path pins = Pinning.newFolder();
    helper =
        withoutAudit(
            HelperConfig.defaults()
                .withSocket(folder.resolve("helper.sock"))
                .withBpffs(pins)
                .withTakeEvery(true));
    socks = BpfMap.openPinned(pins.resolve("v" + Layouts.UP_ABI).resolve("socks"));
    register();
  }

  /** The audit would have a line for each of a million registrations; trouble is still told. */
  private static Helper withoutAudit(HelperConfig config) throws IOException {
    PrintStream all = System.err;
    System.setErr(new PrintStream(OutputStream.nullOutputStream(), false, UTF_8));
    try {
      return Helper.start(config); // its audit keeps the stream that it finds here
    } finally {
      System.setErr(all);
    }
  }

  FlowRecords records() {
    return new FlowRecords(socks);
  }

  void perform(Action action) throws IOException {
    switch (action) {
      case SWEEP -> {}
      case ENROL -> register();
      case UNENROL -> dismiss();
    }
    helper.sweep();
  }

  void register() throws IOException {
    if (registration == null) {
      registration = HelperClient.connect(helper.socket(), PATIENCE);
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
    while (helper.status().registrations() > 0) {
      if (System.nanoTime() - until > 0) {
        throw new IOException("the helper does not notice that a client is gone");
      }
      LockSupport.parkNanos(200_000);
    }
  }

  @Override
  public void close() throws IOException {
    if (registration != null) {
      registration.close();
    }
    socks.close();
    helper.close();
    Files.deleteIfExists(folder);
  }
}
