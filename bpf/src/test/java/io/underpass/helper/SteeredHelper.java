/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.helper;

import io.underpass.datapath.EndState;
import io.underpass.datapath.KernelDatapath;
import io.underpass.datapath.KernelSource;
import io.underpass.datapath.Switching;
import io.underpass.ffm.BpfMap;
import io.underpass.kernel.BuiltObject;
import io.underpass.policy.Net;
import io.underpass.protocol.Drained;
import io.underpass.protocol.FlowView;
import io.underpass.protocol.GroupWish;
import io.underpass.protocol.HelperState;
import io.underpass.protocol.Probe;
import io.underpass.protocol.Totals;
import io.underpass.protocol.UserShare;
import io.underpass.service.Datapath;
import io.underpass.service.HelperConfig;
import io.underpass.service.Registration;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;

/**
 * A helper whose processes are taken up, and let go, when the test says so. A process registers as
 * ever, and its agent is answered; but the kernel is told of it by {@link #take} alone, and told
 * that it is registered no more by {@link #letGo}: what a JVM sees that the agent was attached to,
 * and that was registered with a helper that lost it.
 */
public final class SteeredHelper implements AutoCloseable {
  private final Steered datapath = new Steered();
  private final Helper helper;
  private final Path socket;
  private final BpfMap members;

  /** Every pair is enrolled as soon as it is found. */
  public SteeredHelper(Path socket, Path pins) throws IOException {
    this(socket, pins, null);
  }

  /**
   * One that takes a process up at its registration, which it does not answer before it may.
   *
   * @param answer when; null: at once, and nobody is taken up but by {@link #take}
   */
  public SteeredHelper(Path socket, Path pins, CountDownLatch answer) throws IOException {
    this.socket = socket;
    datapath.answer = answer;
    HelperConfig config =
        HelperConfig.defaults().withSocket(socket).withBpffs(pins).withTakeEvery(true);
    helper =
        Helper.start(
            config,
            (c, cgroup, trouble) -> {
              datapath.kernel = new KernelSource().load(c, cgroup, trouble);
              return datapath;
            },
            new Audit(line -> {}));
    members = BpfMap.openPinned(BuiltObject.DATAPATH.pinFolder(pins).resolve("members"));
  }

  public Path socket() {
    return socket;
  }

  /** Whether its agent has registered. */
  public boolean isRegistered(long pid) {
    return datapath.registrations.containsKey((int) pid);
  }

  /** Its sockets are looked at from now on, those it has too; its agent has registered before. */
  public void take(long pid) throws IOException {
    datapath.take((int) pid);
  }

  /** Its sockets go back to TCP. */
  public void letGo(long pid) {
    datapath.letGo((int) pid);
  }

  /** One sweep, and what is known of all flows then. */
  public List<FlowView> sweep() throws IOException {
    datapath.sweep();
    return datapath.flows(Datapath.ALL, 1000).top();
  }

  /** Has all directions go by TCP, with their sockets where they are; no sweep is made. */
  public void switchToTcp() throws IOException {
    Switching.toTcp(datapath.kernel);
  }

  /** Has them redirected again. */
  public void switchBack() throws IOException {
    Switching.back(datapath.kernel);
  }

  /** The ends of connections as they are now, without a sweep. */
  public List<EndState> ends() throws IOException {
    return EndState.all(datapath.kernel);
  }

  /** Whether the kernel counts what is queued; before the kernel's fix of 2026, 1 is "some". */
  public boolean countsQueued() {
    return datapath.probes().stream()
        .noneMatch(p -> p.name().equals("fionread") && p.outcome() != Probe.Outcome.OK);
  }

  /** Whether the socket is in the sockhash, that is, whether the kernel has it enrolled. */
  public boolean isMember(long id) throws IOException {
    ByteBuffer key = members.newKey();
    key.putLong(0, id);
    return members.lookup(key, members.newValue());
  }

  @Override
  public void close() {
    members.close();
    helper.close();
  }

  /** The kernel's datapath, but for who is registered. */
  private static final class Steered implements Datapath {
    /** Set once, before the server starts. */
    private KernelDatapath kernel;

    /** Set once, before the server starts. */
    private CountDownLatch answer;

    /** By pid. */
    private final Map<Integer, Registration> registrations = new ConcurrentHashMap<>();

    void take(int pid) throws IOException {
      kernel.admit(registrations.get(pid));
    }

    void letGo(int pid) {
      kernel.dismiss(registrations.get(pid));
    }

    @Override
    public void admit(Registration registration) throws IOException {
      if (answer != null) {
        kernel.admit(registration);
      }
      registrations.put(registration.pid(), registration);
      try {
        if (answer != null) {
          answer.await();
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }

    @Override
    public void dismiss(Registration registration) {
      registrations.remove(registration.pid());
      kernel.dismiss(registration);
    }

    @Override
    public int firstId() {
      return kernel.firstId();
    }

    @Override
    public Totals totals(Registration registration) throws IOException {
      return kernel.totals(registration);
    }

    @Override
    public Flows flows(int id, int limit) throws IOException {
      return kernel.flows(id, limit);
    }

    @Override
    public List<UserShare> users() throws IOException {
      return kernel.users();
    }

    @Override
    public Map<Integer, Long> flowCounts() throws IOException {
      return kernel.flowCounts();
    }

    @Override
    public HelperState state() {
      return kernel.state();
    }

    @Override
    public String reason() {
      return kernel.reason();
    }

    @Override
    public Drained drain(Duration wait) throws IOException {
      return kernel.drain(wait);
    }

    /** The kernel is told of a process by {@link #take} alone. */
    @Override
    public void claim(Registration registration) {}

    @Override
    public String joinGroup(
        Registration registration, GroupWish wish, boolean datagrams, List<Net> pools)
        throws IOException {
      return kernel.joinGroup(registration, wish, datagrams, pools);
    }

    @Override
    public void datagrams(Registration registration) throws IOException {
      kernel.datagrams(registration);
    }

    @Override
    public Ports ports(PortQuery query) throws IOException {
      return kernel.ports(query);
    }

    @Override
    public List<Probe> probes() {
      return kernel.probes();
    }

    @Override
    public void whenFailed(Consumer<Throwable> who) {
      kernel.whenFailed(who);
    }

    @Override
    public void sweep() throws IOException {
      kernel.sweep();
    }

    @Override
    public void close() {
      kernel.close();
    }
  }
}
