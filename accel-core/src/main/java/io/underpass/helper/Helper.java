/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.helper;

import io.underpass.ffm.FolderLock;
import io.underpass.ffm.LibBpf;
import io.underpass.ffm.LoadException;
import io.underpass.ffm.NativeException;
import io.underpass.ffm.PeerCredentials;
import io.underpass.ffm.UnavailableException;
import io.underpass.host.Bpffs;
import io.underpass.host.CgroupMount;
import io.underpass.host.HelperException;
import io.underpass.host.MountInfo;
import io.underpass.host.Privileges;
import io.underpass.kernel.LoadFailure;
import io.underpass.policy.Policy;
import io.underpass.protocol.Drained;
import io.underpass.protocol.ErrorCode;
import io.underpass.protocol.FlowView;
import io.underpass.protocol.Reply;
import io.underpass.protocol.Status;
import io.underpass.service.Datapath;
import io.underpass.service.DatapathSource;
import io.underpass.service.HelperConfig;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;

/**
 * The helper: in a process of its own ({@code bin/underpass helper}), or embedded in a JVM that has
 * the privilege itself.
 *
 * <p>It starts in this order: policy, libbpf, privilege, cgroup, pins, socket, programs; and it
 * serves only when everything is in place. Its methods may be called from any thread.
 */
public final class Helper implements AutoCloseable {
  /** Loads the programs into a place that has been prepared. */
  @FunctionalInterface
  interface Loader {
    Datapath load(HelperConfig config, Path cgroup, Consumer<String> trouble) throws IOException;
  }

  /**
   * A stop takes no longer, whatever hangs: the strictest of the usual supervisors kills after 10
   * s. It waits 5 s for readers.
   */
  private static final Duration STOP_LIMIT = Duration.ofSeconds(8);

  /** What a drain may take beside the time that it gives readers. */
  private static final Duration DRAIN_MORE = Duration.ofSeconds(10);

  private final HelperConfig config;
  private final FolderLock lock;
  private final Datapath datapath;
  private final Requests requests;
  private final ControlServer server;
  private final Audit audit;
  private volatile boolean drained;
  private volatile boolean hung;

  /** Guarded by this. */
  private boolean closed;

  private Helper(HelperConfig config, Loader loader, ControlServer.Limits limits, Audit audit)
      throws HelperException, IOException {
    this.config = config;
    this.audit = audit;
    Policy policy = Policy.load(config.policyFile());
    LibBpf.ensureAvailable();
    PeerCredentials.ensureAvailable();
    Privileges.check();
    List<MountInfo> mounts = MountInfo.ofSelf();
    Path cgroup = CgroupMount.find(mounts);
    Bpffs.prepare(config.bpffs(), mounts);
    this.lock = lock(config);
    ControlSocket socket = null;
    ControlSocket admin = null;
    Datapath loaded = null;
    try {
      socket = ControlSocket.bind(config.socket(), policy.reachesBeyondGroup());
      admin = ControlSocket.bindAdmin(adminSocket(), config.adminSocket() == null);
      loaded = loader.load(config.withTrustDigest(policy.trust().digest()), cgroup, audit::trouble);
      Requests.Place place =
          new Requests.Place(config.bpffs(), cgroup, System.getProperty("os.version"));
      this.requests = new Requests(policy, loaded, place, audit, this::startDrain);
      this.server = new ControlServer(socket, admin, requests, limits, audit);
      this.datapath = loaded;
    } catch (IOException | RuntimeException e) {
      if (loaded != null) {
        loaded.close();
      }
      if (admin != null) {
        admin.close();
      }
      if (socket != null) {
        socket.close();
      }
      removeFolder(config);
      lock.close();
      throw e;
    }
    loaded.whenFailed(server::fail);
    server.start();
  }

  /** Loads, attaches, pins, and serves; or throws and leaves nothing behind. */
  public static Helper start(HelperConfig config, DatapathSource source) throws HelperException {
    return start(config, source::load, new Audit(System.err::println));
  }

  static Helper start(HelperConfig config, Loader loader, Audit audit) throws HelperException {
    return start(config, loader, ControlServer.Limits.DEFAULT, audit);
  }

  static Helper start(HelperConfig config, Loader loader, ControlServer.Limits limits, Audit audit)
      throws HelperException {
    try {
      return new Helper(config, loader, limits, audit);
    } catch (IOException e) {
      throw asHelperException(e);
    }
  }

  static HelperException asHelperException(IOException failure) {
    return switch (failure) {
      case HelperException e -> e;
      case UnavailableException e -> HelperException.of(e);
      case LoadException e -> LoadFailure.explain(e);
      case NativeException e -> HelperException.of(e);
      case AccessDeniedException e ->
          new HelperException("this user may not look into " + e.getFile(), "run it as root", e);
      default -> new HelperException(failure.toString(), "see docs/troubleshooting.md", failure);
    };
  }

  /** Where it listens for those who register. */
  public Path socket() {
    return config.socket();
  }

  /** Where it listens for those who administer it. */
  public Path adminSocket() {
    return config.adminSocket() == null
        ? HelperConfig.adminSocketOf(config.socket())
        : config.adminSocket();
  }

  /** The state, with all registrations. */
  public Status status() {
    try {
      return requests.status();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The flows of all registrations, most bytes first, at most {@code limit}. */
  public List<FlowView> flows(int limit) {
    try {
      return datapath.flows(Datapath.ALL, limit).top();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** One enrolment sweep now. */
  public void sweep() {
    try {
      datapath.sweep();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void startDrain(Connection connection, Duration wait) {
    Thread.ofPlatform().name("underpass-drain").start(() -> drainAndAnswer(connection, wait));
  }

  private void drainAndAnswer(Connection connection, Duration wait) {
    try {
      AtomicReference<Reply> reply = new AtomicReference<>();
      boolean done =
          within("underpass-take-back", wait.plus(DRAIN_MORE), () -> reply.set(drain(wait)));
      if (!done) {
        audit.failed("drain: it hangs", null);
        reply.set(Reply.error(ErrorCode.INTERNAL, "the helper does not come to an end"));
      }
      server.answer(connection, reply.get());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    close();
  }

  private Reply drain(Duration wait) {
    try {
      Reply reply = datapath.drain(wait).toReply();
      drained = true;
      return reply;
    } catch (IOException | RuntimeException | Error e) {
      audit.failed("drain", e);
      return Reply.error(ErrorCode.INTERNAL, "the helper failed to stop in order: " + e);
    }
  }

  /** Does something that may hang; false if it has not ended within that time. */
  private static boolean within(String name, Duration limit, Runnable work)
      throws InterruptedException {
    return Thread.ofPlatform().daemon().name(name).start(work).join(limit);
  }

  /** Whether an orderly stop was asked of it over its socket, and made. */
  public boolean drained() {
    return drained;
  }

  /** Whether its stop did not come to an end, and was given up. */
  public boolean hung() {
    return hung;
  }

  /**
   * Finishes what a helper left behind that is gone: takes its flows back to TCP and its pins away.
   * What a helper of another version left goes if no process uses it. Empty if there is nothing.
   *
   * @throws HelperException if a helper runs, or this process may not do it, or what another
   *     version left is still used
   */
  public static Optional<Drained> drainLeft(
      HelperConfig config, DatapathSource source, Duration wait) throws HelperException {
    try {
      Bpffs.check(config.bpffs());
      boolean own = source.isLeft(config.bpffs());
      if (!own && source.foreignLeft(config.bpffs()).isEmpty()) {
        return Optional.empty();
      }
      LibBpf.ensureAvailable();
      Privileges.check();
      Drained drained;
      List<Path> foreign;
      try (FolderLock _ = lock(config)) {
        drained = own ? drainOwn(config, source, wait) : new Drained(true, 0, 0, List.of());
        foreign = source.removeForeign(config.bpffs());
      }
      removeFolder(config);
      if (drained.removed() && !foreign.isEmpty()) {
        throw new HelperException(
            "a helper of another version left " + foreign + ", which processes still use",
            "run drain of that version, or end those processes and run it again");
      }
      return Optional.of(drained);
    } catch (IOException e) {
      throw asHelperException(e);
    }
  }

  private static Drained drainOwn(HelperConfig config, DatapathSource source, Duration wait)
      throws IOException {
    Audit audit = new Audit(System.err::println);
    try (Datapath left = source.adoptPaused(config, CgroupMount.find(), audit::trouble)) {
      return left.drain(wait);
    }
  }

  private static FolderLock lock(HelperConfig config) throws IOException {
    return FolderLock.tryLock(config.bpffs())
        .orElseThrow(
            () ->
                new HelperException(
                    "a helper uses the pins in " + config.bpffs() + " already",
                    "use that one, or stop it, or choose another folder with --pin-dir"));
  }

  /** Waits until it serves no more: it was closed, or it failed. */
  public void awaitEnd() throws InterruptedException {
    server.awaitEnd();
  }

  /**
   * Takes everything back to TCP, then removes all; a second call does nothing. If something hangs,
   * it returns all the same: what is in the kernel then stays pinned, for the next helper.
   */
  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    try {
      if (!within("underpass-stop", STOP_LIMIT, this::stop)) {
        hung = true;
        audit.failed("stop: it hangs; what is in the kernel stays pinned", null);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void stop() {
    server.close();
    datapath.close();
    removeFolder(config);
    lock.close();
  }

  private static void removeFolder(HelperConfig config) {
    try {
      Files.deleteIfExists(config.bpffs());
    } catch (IOException e) {
      // Not empty: pins that could not be removed yet, which the next helper adopts.
    }
  }
}
