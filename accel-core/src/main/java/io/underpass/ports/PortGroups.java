/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ports;

import io.underpass.ffm.NamespaceNumber;
import io.underpass.ffm.NativeException;
import io.underpass.ffm.UnavailableException;
import io.underpass.host.PeerProcess;
import io.underpass.kernel.BuiltObject;
import io.underpass.kernel.Pins;
import io.underpass.kernel.ProcessIdentity;
import io.underpass.policy.Net;
import io.underpass.protocol.ErrorCode;
import io.underpass.protocol.GroupWish;
import io.underpass.protocol.WireException;
import io.underpass.service.Datapath;
import io.underpass.service.Registration;
import io.underpass.service.Vital;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.AccessDeniedException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/**
 * The programs of port groups: loaded when the first process joins a group, so that a host without
 * groups has none of their hooks, and when an earlier helper left some.
 *
 * <p>They outlive the helper while a port of a group is bound, also if it stops in good order: a
 * service is not to lose its port, nor its address, because the helper is upgraded.
 *
 * <p>Thread-safe. What may take long, in the kernel or over many processes, is done by threads of
 * registrations and by that of this class, one at a time: {@link #changes}. {@link #leave}, {@link
 * #list} and {@link #held} wait for none of it.
 */
public final class PortGroups implements AutoCloseable {
  /** How often addresses and members are looked at while there are members. */
  private static final int LOOK_MILLIS = 2_000;

  /** So long a registration waits for others; its agent waits 5 s for the answer. */
  private static final int CHANGE_SECONDS = 4;

  /** So long a stop waits for what is being changed. */
  private static final int STOP_SECONDS = 5;

  private final Pins pins;
  private final Path cgroup;
  private final Consumer<String> trouble;
  private final Vital vital;

  /** The helper's own network namespace. */
  private final int netns;

  private final ReentrantLock changes = new ReentrantLock();

  /** Null until the object is loaded; written under {@link #changes}. */
  private volatile LoadedPorts loaded;

  private volatile boolean closed;

  /** Guards what is loaded from being closed under whoever does not hold {@link #changes}. */
  private final Object access = new Object();

  /** Guarded by {@link #access}. */
  private boolean released;

  /** Written under {@link #changes}. */
  private Thread thread;

  /**
   * Members that have registered with this helper. Of others nobody knows whether they have made a
   * datagram socket while there was no helper whom they could have told.
   */
  private final Set<Integer> heard = ConcurrentHashMap.newKeySet();

  public PortGroups(Path pinFolder, Path cgroup, Consumer<String> trouble, Vital vital)
      throws IOException {
    this.vital = vital;
    this.pins = new Pins(pinFolder, BuiltObject.PORTS);
    this.cgroup = cgroup;
    this.trouble = trouble;
    this.netns = netnsOf(ProcessHandle.current().pid());
    if (pins.exist()) {
      changes.lock();
      try {
        load();
        look();
      } finally {
        changes.unlock();
      }
    }
  }

  private void beginChange() throws WireException {
    try {
      if (!changes.tryLock(CHANGE_SECONDS, TimeUnit.SECONDS)) {
        throw new WireException(ErrorCode.UNAVAILABLE, "port groups are busy; ask again later");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new WireException(ErrorCode.UNAVAILABLE, "the helper stops");
    }
    if (closed) {
      changes.unlock();
      throw new WireException(ErrorCode.UNAVAILABLE, "the helper stops");
    }
  }

  private LoadedPorts load() throws IOException {
    if (loaded == null) {
      loaded = LoadedPorts.load(pins, cgroup, netns, trouble);
      thread = vital.thread("underpass-ports", this::watch);
      thread.start();
    }
    return loaded;
  }

  /**
   * Makes a process a member of a group, with what the policy granted; with null, of none.
   *
   * @param process what the kernel noted of it
   * @param hasDatagrams whether it may have datagram sockets before it calls {@link #datagrams}
   * @return its identity; empty if it has none
   */
  public String join(
      Registration registration,
      ProcessIdentity process,
      GroupWish wish,
      boolean hasDatagrams,
      List<Net> pools)
      throws IOException {
    if (wish == null) {
      forgetFormer(registration.pid());
      return "";
    }
    int there = netnsOf(registration.pid());
    beginChange();
    try {
      LoadedPorts ports = loadFor(wish, hasDatagrams);
      forgetDead(ports);
      GroupMembers.Entry former = ports.members().get(registration.pid());
      Admission.check(ports.members().all(), former, registration, wish, there);
      if (!wish.identity().isEmpty() && there != netns) {
        throw new WireException(
            ErrorCode.DENIED,
            "identity="
                + wish.identity()
                + ": the process is in another network namespace than the helper");
      }
      InetAddress had =
          former != null && former.process().equals(process) && former.hasIdentity()
              ? former.identity()
              : null;
      InetAddress identity = ports.identities().take(registration, wish.identity(), pools, had);
      GroupMembers.Entry entry =
          new GroupMembers.Entry(
              registration.pid(),
              process,
              wish.group(),
              identity,
              registration.id(),
              registration.uid(),
              there,
              wish.ports(),
              wish.publish(),
              hasDatagrams);
      ports.members().put(entry);
      heard.add(registration.pid());
      ports.locals().enter(dweller(entry), ports.identities().all());
      ports.events().wake(); // there is something to look at now
      return Identities.text(identity);
    } finally {
      changes.unlock();
    }
  }

  private LoadedPorts loadFor(GroupWish wish, boolean hasDatagrams) throws IOException {
    try {
      LoadedPorts ports = load();
      if (hasDatagrams) {
        ports.datagrams().attach();
      }
      return ports;
    } catch (NativeException | UnavailableException e) {
      throw new WireException(
          ErrorCode.UNAVAILABLE,
          "group=" + wish.group() + ": the kernel refuses port groups (" + e.getMessage() + ")");
    }
  }

  /** A member is about to make its first datagram socket. */
  public void datagrams(Registration registration) throws IOException {
    beginChange();
    try {
      LoadedPorts ports = loaded;
      if (ports != null && ports.members().isMember(registration.pid(), registration.id())) {
        ports.datagrams().attach();
        ports.members().setDatagrams(registration.pid(), registration.id());
      }
    } finally {
      changes.unlock();
    }
  }

  private void settleDatagrams(LoadedPorts ports) throws IOException {
    if (ports.members().all().stream().anyMatch(e -> e.datagrams() || !heard.contains(e.pid()))) {
      ports.datagrams().attach();
    } else if (ports.datagrams().areAttached() && !ports.table().isAnyConfined()) {
      // A socket can outlive its owner's registration, and stays its group's alone.
      ports.datagrams().detach();
    }
  }

  /** The process is no member any more; what it has bound stays as it is. */
  public void leave(Registration registration) throws IOException {
    synchronized (access) {
      LoadedPorts ports = loaded;
      if (ports != null
          && !released
          && ports.members().remove(registration.pid(), registration.id())) {
        heard.remove(registration.pid());
        ports.events().wake();
      }
    }
  }

  /** The same of an earlier registration, if there was one. */
  private void forgetFormer(int pid) throws NativeException {
    synchronized (access) {
      LoadedPorts ports = loaded;
      if (ports != null && !released && ports.members().get(pid) != null) {
        ports.members().remove(pid);
        heard.remove(pid);
        ports.events().wake();
      }
    }
  }

  public Datapath.Ports list(Datapath.PortQuery query) throws NativeException {
    synchronized (access) {
      LoadedPorts ports = loaded;
      return ports == null || released
          ? new Datapath.Ports(0, List.of())
          : ports.table().list(query);
    }
  }

  /** How many ports and addresses members have now: while there are any, the programs stay. */
  public int held() throws NativeException {
    synchronized (access) {
      LoadedPorts ports = loaded;
      return ports == null || released ? 0 : ports.table().count() + addresses(ports);
    }
  }

  private static int addresses(LoadedPorts ports) throws NativeException {
    return (int) ports.members().all().stream().filter(GroupMembers.Entry::hasIdentity).count();
  }

  private void watch() {
    String told = "";
    int pause = 0;
    try {
      while (!closed) {
        try {
          loaded.events().await(pause < 0 ? -1 : pause * 1_000_000L);
          changes.lockInterruptibly();
          try {
            if (!closed) {
              pause = look();
            }
          } finally {
            changes.unlock();
          }
        } catch (IOException | RuntimeException | Error e) {
          Thread.sleep(LOOK_MILLIS); // there may be memory again to say so
          String said = "port groups: " + (e instanceof IOException ? e.getMessage() : e);
          if (!said.equals(told)) {
            told = said;
            trouble.accept(said);
          }
          pause = 0;
        }
      }
    } catch (InterruptedException e) {
      // The stop has no more time.
    }
  }

  /** Returns when to look again, in ms; -1: not while there is nobody. */
  private int look() throws IOException {
    LoadedPorts ports = loaded;
    forgetDead(ports);
    List<GroupMembers.Entry> members = ports.members().all();
    ports.identities().giveUpAbandoned();
    ports
        .locals()
        .refresh(
            members.stream()
                .sorted(Comparator.comparingInt(GroupMembers.Entry::id))
                .map(PortGroups::dweller)
                .toList(),
            ports.identities().all());
    ports.shares().look(members);
    settleDatagrams(ports);
    boolean rest =
        members.isEmpty() && !ports.identities().isAnyLeft() && !ports.datagrams().areAttached();
    return rest ? -1 : LOOK_MILLIS;
  }

  private static LocalAddresses.Dweller dweller(GroupMembers.Entry member) {
    return new LocalAddresses.Dweller(member.netns(), member.pid(), member.uid());
  }

  /** Members that ended while there was no helper, or whose registration outlived them. */
  private void forgetDead(LoadedPorts ports) throws IOException {
    for (GroupMembers.Entry entry : ports.members().all()) {
      if (!PeerProcess.isAlive(entry.pid(), entry.process().startNanos())
          && ports.members().remove(entry.pid(), entry.id())) {
        heard.remove(entry.pid());
      }
    }
  }

  private static int netnsOf(long pid) throws IOException {
    try {
      return NamespaceNumber.of(Path.of("/proc/" + pid + "/ns/net"));
    } catch (AccessDeniedException e) {
      throw new WireException(
          ErrorCode.UNAVAILABLE,
          "group: the helper has no CAP_SYS_PTRACE, and does not see the network namespace of"
              + " another user's process");
    }
  }

  /**
   * Takes everything back, or, while a port of a group is bound or a member has an address, leaves
   * it as it is for the next helper.
   */
  @Override
  public void close() {
    closed = true;
    LoadedPorts ports = loaded;
    if (ports != null) {
      ports.events().wake();
    }
    try {
      if (!changes.tryLock(STOP_SECONDS, TimeUnit.SECONDS)) {
        trouble.accept("stop: port groups are busy, and stay pinned");
        return;
      }
      try {
        if (loaded == null) {
          return;
        }
        takeBack(loaded);
      } catch (IOException e) {
        trouble.accept("stop: port groups: " + e.getMessage());
      } finally {
        changes.unlock();
      }
      if (!thread.join(Duration.ofSeconds(STOP_SECONDS))) {
        trouble.accept("stop: the thread of port groups does not end");
        return;
      }
      synchronized (access) {
        released = true;
        loaded.close();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void takeBack(LoadedPorts ports) throws IOException {
    forgetDead(ports);
    int held = ports.table().count();
    int addresses = addresses(ports);
    if (held == 0 && addresses == 0) {
      ports.identities().giveUpAll();
      pins.remove();
      return;
    }
    ports.datagrams().attach(); // whoever makes a datagram socket from now on has nobody to ask
    trouble.accept(
        "stop: JVMs still hold "
            + held
            + " ports of groups and "
            + addresses
            + " addresses; port groups stay pinned, go on working, and are adopted by the next"
            + " helper");
  }
}
