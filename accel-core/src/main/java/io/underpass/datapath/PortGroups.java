package io.underpass.datapath;

import io.underpass.ffm.BpfMap;
import io.underpass.ffm.BpfObject;
import io.underpass.ffm.NativeException;
import io.underpass.ffm.PortLayouts;
import io.underpass.ffm.RingBuffer;
import io.underpass.ffm.UnavailableException;
import io.underpass.helper.Datapath;
import io.underpass.helper.Net;
import io.underpass.helper.PeerProcess;
import io.underpass.helper.Registration;
import io.underpass.protocol.ErrorCode;
import io.underpass.protocol.GroupWish;
import io.underpass.protocol.WireException;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/**
 * The programs of port groups: loaded when the first process joins a group, so that a host without
 * groups has none of their hooks, and when an earlier helper left some.
 *
 * <p>They outlive the helper while a port of a group is bound, also if it stops in good order: a
 * service is not to lose its port, nor its address, because the helper is upgraded.
 *
 * <p>Thread-safe; everything is guarded by this.
 */
final class PortGroups implements AutoCloseable {
  private static final List<String> MAPS =
      List.of(
          "port_members",
          "member_filter",
          "mappings",
          "reals",
          "bound",
          "port_filter",
          "locals",
          "identities",
          "ports_state",
          "port_socks",
          "port_events");

  /** Beside those of {@link DatagramHooks}. */
  private static final List<String> CGROUP_PROGRAMS =
      List.of(
          "up_post_bind4",
          "up_post_bind6",
          "up_sock_release",
          "up_getsockname4",
          "up_getsockname6",
          "up_getpeername4",
          "up_getpeername6",
          "up_group_connect4",
          "up_group_connect6",
          // Last: nothing is translated before everything that translates back is in place.
          "up_bind4",
          "up_bind6");

  /** How often addresses and members are looked at while there are members. */
  private static final int LOOK_MILLIS = 2_000;

  private final Pins pins;
  private final Path cgroup;
  private final Consumer<String> trouble;
  private final OpenResources open = new OpenResources();

  /** Null until the object is loaded, as are those below. */
  private GroupMembers members;

  private LocalAddresses locals;
  private Identities identities;
  private BpfMap bound;
  private DatagramHooks datagrams;
  private RingBuffer events;
  private Thread thread;
  private volatile boolean closed;

  /**
   * Members that have registered with this helper. Of others nobody knows whether they have made a
   * datagram socket while there was no helper whom they could have told.
   */
  private final Set<Integer> heard = new HashSet<>();

  PortGroups(Path pinFolder, Path cgroup, Consumer<String> trouble) throws IOException {
    this.pins = pins(pinFolder);
    this.cgroup = cgroup;
    this.trouble = trouble;
    if (pins.exist()) {
      load();
      look();
    }
  }

  /** Where a helper with these pins keeps its port groups. */
  static Pins pins(Path pinFolder) {
    return new Pins(pinFolder.resolve("ports-v" + PortLayouts.UP_PORTS_ABI), MAPS);
  }

  private void load() throws IOException {
    if (members != null) {
      return;
    }
    boolean adopting = pins.exist();
    BpfObject object = BpfObject.open(BuiltObject.PORTS.image(), "ports");
    open.keep(object);
    try {
      pins.prepare(object);
      object.load();
      bound = object.map("bound");
      for (String name : CGROUP_PROGRAMS) {
        open.keep(pins.attach(object.program(name), cgroup));
      }
      datagrams = new DatagramHooks(pins, object, cgroup);
      open.keep(datagrams);
      datagrams.adopt();
      events = new RingBuffer(object.map("port_events"), _ -> {});
      open.keep(events);
      GroupMembers adopted =
          new GroupMembers(object.map("port_members"), object.map("member_filter"));
      locals = new LocalAddresses(object.map("locals"));
      identities = new Identities(object.map("identities"), adopted);
      members = adopted;
      thread = Thread.ofPlatform().daemon().name("underpass-ports").start(this::watch);
    } catch (IOException | RuntimeException e) {
      open.closeAfter(e);
      if (!adopting) {
        pins.remove();
      }
      throw e;
    }
  }

  /**
   * Makes a process a member of a group, with what the policy granted; with null, of none.
   *
   * @param startNanos when the process started, as the kernel has it
   * @param hasDatagrams whether it may have datagram sockets before it calls {@link #datagrams}
   * @return its identity; empty if it has none
   */
  synchronized String join(
      Registration registration,
      long startNanos,
      GroupWish wish,
      boolean hasDatagrams,
      List<Net> pools)
      throws IOException {
    if (wish == null) {
      if (members != null) {
        forget(registration.pid());
      }
      return "";
    }
    try {
      load();
      if (hasDatagrams) {
        datagrams.attach();
      }
    } catch (NativeException | UnavailableException e) {
      throw new WireException(
          ErrorCode.UNAVAILABLE,
          "group=" + wish.group() + ": the kernel refuses port groups (" + e.getMessage() + ")");
    }
    forgetDead();
    GroupMembers.Entry former = members.get(registration.pid());
    InetAddress had =
        former != null && former.startNanos() == startNanos && former.hasIdentity()
            ? former.identity()
            : null;
    int netns = netnsOf(registration.pid());
    Admission.check(members, former, registration.pid(), wish, netns);
    if (!wish.identity().isEmpty() && netns != netnsOf(ProcessHandle.current().pid())) {
      throw new WireException(
          ErrorCode.DENIED,
          "identity="
              + wish.identity()
              + ": the process is in another network namespace than the helper");
    }
    InetAddress identity = identities.take(registration.pid(), wish.identity(), pools, had);
    members.put(
        new GroupMembers.Entry(
            registration.pid(),
            startNanos,
            wish.group(),
            identity,
            registration.id(),
            registration.uid(),
            netns,
            wish.ports(),
            wish.publish(),
            hasDatagrams));
    heard.add(registration.pid());
    refreshLocals();
    events.wake(); // there is something to look at now
    return Identities.text(identity);
  }

  /** A member is about to make its first datagram socket. */
  synchronized void datagrams(Registration registration) throws IOException {
    GroupMembers.Entry entry = members == null ? null : members.get(registration.pid());
    if (entry != null && entry.id() == registration.id()) {
      datagrams.attach();
      members.put(entry.withDatagrams());
    }
  }

  private void settleDatagrams() throws IOException {
    if (members.all().stream().anyMatch(e -> e.datagrams() || !heard.contains(e.pid()))) {
      datagrams.attach();
    } else if (datagrams.areAttached() && !isAnyConfined()) {
      datagrams.detach();
    }
  }

  /** A socket can outlive its owner's registration, and stays its group's alone. */
  private boolean isAnyConfined() throws NativeException {
    return ports().stream().anyMatch(p -> p.view().confined() && p.view().protocol().equals("udp"));
  }

  private void forget(int pid) throws IOException {
    members.remove(pid);
    heard.remove(pid);
    settleDatagrams();
  }

  /** The process is no member any more; what it has bound stays as it is. */
  synchronized void leave(Registration registration) throws IOException {
    if (members == null) {
      return;
    }
    GroupMembers.Entry entry = members.get(registration.pid());
    if (entry != null && entry.id() == registration.id()) {
      forget(registration.pid());
    }
  }

  synchronized List<Datapath.BoundPort> ports() throws NativeException {
    return members == null ? List.of() : PortsTable.of(bound);
  }

  /** How many ports and addresses members have now: while there are any, the programs stay. */
  synchronized int held() throws NativeException {
    return members == null ? 0 : ports().size() + (int) addresses();
  }

  private long addresses() throws NativeException {
    return members.all().stream().filter(GroupMembers.Entry::hasIdentity).count();
  }

  private void watch() {
    String told = "";
    int pause = 0;
    try {
      while (!closed) {
        try {
          events.await(pause < 0 ? -1 : pause * 1_000_000L);
          if (!closed) {
            pause = look();
          }
        } catch (IOException e) {
          String said = "port groups: " + e.getMessage();
          if (!said.equals(told)) {
            told = said;
            trouble.accept(said);
          }
          Thread.sleep(LOOK_MILLIS);
        }
      }
    } catch (InterruptedException e) {
      // Nobody has reason to; whoever does wants the thread gone.
    }
  }

  /** Returns when to look again, in ms; -1: not while there is nobody. */
  private synchronized int look() throws IOException {
    forgetDead();
    refreshLocals();
    identities.giveUpAbandoned();
    settleDatagrams();
    boolean rest = members.all().isEmpty() && !identities.isAnyLeft() && !datagrams.areAttached();
    return rest ? -1 : LOOK_MILLIS;
  }

  private void refreshLocals() throws NativeException {
    Map<Integer, Integer> namespaces = new HashMap<>();
    for (GroupMembers.Entry entry : members.all()) {
      namespaces.put(entry.netns(), entry.pid());
    }
    locals.refresh(namespaces);
  }

  /** Members that ended while there was no helper, or whose registration outlived them. */
  private void forgetDead() throws IOException {
    for (GroupMembers.Entry entry : members.all()) {
      if (PeerProcess.startTicksOf(entry.pid())
          != entry.startNanos() / Registrations.NANOS_PER_TICK) {
        forget(entry.pid());
      }
    }
  }

  private static int netnsOf(long pid) throws IOException {
    String name = Files.readSymbolicLink(Path.of("/proc/" + pid + "/ns/net")).toString();
    return Integer.parseUnsignedInt(name.substring("net:[".length(), name.length() - 1));
  }

  /**
   * Takes everything back, or, while a port of a group is bound or a member has an address, leaves
   * it as it is for the next helper.
   */
  @Override
  public void close() {
    Thread watcher;
    synchronized (this) {
      closed = true;
      watcher = thread;
    }
    try {
      if (watcher != null) {
        events.wake();
        watcher.join();
      }
      synchronized (this) {
        takeBack();
      }
    } catch (IOException e) {
      trouble.accept("stop: port groups: " + e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      open.close();
    }
  }

  private void takeBack() throws IOException {
    if (members == null) {
      return;
    }
    forgetDead();
    int held = ports().size();
    long addresses = addresses();
    if (held == 0 && addresses == 0) {
      identities.giveUpAll();
      pins.remove();
      return;
    }
    datagrams.attach(); // whoever makes a datagram socket from now on has nobody to ask
    trouble.accept(
        "stop: JVMs still hold "
            + held
            + " ports of groups and "
            + addresses
            + " addresses; port groups stay pinned, go on working, and are adopted by the next"
            + " helper");
  }
}
