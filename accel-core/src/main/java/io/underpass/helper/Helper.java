package io.underpass.helper;

import io.underpass.datapath.KernelDatapath;
import io.underpass.ffm.FolderLock;
import io.underpass.ffm.LibBpf;
import io.underpass.ffm.LoadException;
import io.underpass.ffm.NativeException;
import io.underpass.ffm.PeerCredentials;
import io.underpass.ffm.UnavailableException;
import io.underpass.protocol.Drained;
import io.underpass.protocol.ErrorCode;
import io.underpass.protocol.FlowView;
import io.underpass.protocol.Reply;
import io.underpass.protocol.Status;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

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
    Datapath load(HelperConfig config, Path cgroup) throws IOException;
  }

  private final HelperConfig config;
  private final FolderLock lock;
  private final Datapath datapath;
  private final Requests requests;
  private final ControlServer server;
  private final Audit audit;
  private volatile boolean drained;

  /** Guarded by this. */
  private boolean closed;

  private Helper(HelperConfig config, Loader loader, Audit audit)
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
    Datapath loaded = null;
    try {
      socket = ControlSocket.bind(config.socket(), policy.reachesBeyondGroup());
      loaded = loader.load(config.withTrustDigest(policy.trust().digest()), cgroup);
      Requests.Place place =
          new Requests.Place(config.bpffs(), cgroup, System.getProperty("os.version"));
      this.requests = new Requests(policy, loaded, place, audit, this::startDrain);
      this.server = new ControlServer(socket, requests, ControlServer.Limits.DEFAULT, audit);
      this.datapath = loaded;
    } catch (IOException | RuntimeException e) {
      if (loaded != null) {
        loaded.close();
      }
      if (socket != null) {
        socket.close();
      }
      removeFolder(config);
      lock.close();
      throw e;
    }
    server.start();
  }

  /** Loads, attaches, pins, and serves; or throws and leaves nothing behind. */
  public static Helper start(HelperConfig config) throws HelperException {
    return start(config, KernelDatapath::load, new Audit(System.err::println));
  }

  static Helper start(HelperConfig config, Loader loader, Audit audit) throws HelperException {
    try {
      return new Helper(config, loader, audit);
    } catch (IOException e) {
      throw asHelperException(e);
    }
  }

  static HelperException asHelperException(IOException failure) {
    return switch (failure) {
      case HelperException e -> e;
      case UnavailableException e -> HelperException.of(e);
      case LoadException e -> HelperException.of(e);
      case NativeException e -> HelperException.of(e);
      case AccessDeniedException e ->
          new HelperException("this user may not look into " + e.getFile(), "run it as root", e);
      default ->
          new HelperException(failure.toString(), "see README.md under troubleshooting", failure);
    };
  }

  /** Where it listens. */
  public Path socket() {
    return config.socket();
  }

  /** The state, with all registrations. */
  public Status status() {
    try {
      return requests.status(r -> true);
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
      Reply reply;
      try {
        reply = datapath.drain(wait).toReply();
        drained = true;
      } catch (IOException | RuntimeException e) {
        audit.refused("drain failed: " + e.getClass().getSimpleName(), e.toString());
        reply = Reply.error(ErrorCode.INTERNAL, "the helper failed to stop in order: " + e);
      }
      server.answer(connection, reply);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    close();
  }

  /** Whether an orderly stop was asked of it over its socket, and made. */
  public boolean drained() {
    return drained;
  }

  /**
   * Finishes what a helper left behind that is gone: takes its flows back to TCP and its pins away.
   * Empty if there is nothing.
   *
   * @throws HelperException if a helper runs, or this process may not do it
   */
  public static Optional<Drained> drainLeft(HelperConfig config, Duration wait)
      throws HelperException {
    try {
      Bpffs.check(config.bpffs());
      if (!KernelDatapath.isLeft(config.bpffs())) {
        return Optional.empty();
      }
      LibBpf.ensureAvailable();
      Privileges.check();
      Path cgroup = CgroupMount.find();
      Drained drained;
      try (FolderLock _ = lock(config);
          KernelDatapath left = KernelDatapath.adoptPaused(config, cgroup)) {
        drained = left.drain(wait);
      }
      removeFolder(config);
      return Optional.of(drained);
    } catch (IOException e) {
      throw asHelperException(e);
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

  /** Takes everything back to TCP, then removes all; a second call does nothing. */
  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
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
