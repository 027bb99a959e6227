/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.probe;

import io.underpass.accel.ControlBlock;
import io.underpass.accel.Halves;
import io.underpass.accel.Known;
import io.underpass.accel.Sweep;
import io.underpass.accel.Tuning.Fault;
import io.underpass.accel.Users;
import io.underpass.ffm.BpfLink;
import io.underpass.ffm.BpfMap;
import io.underpass.ffm.BpfObject;
import io.underpass.ffm.ChannelCalls;
import io.underpass.ffm.Errno;
import io.underpass.ffm.FlowLayouts;
import io.underpass.ffm.FlowLayouts.Counters;
import io.underpass.ffm.FlowLayouts.Sock;
import io.underpass.ffm.GracePeriod;
import io.underpass.ffm.Layouts.Jvm;
import io.underpass.ffm.NativeException;
import io.underpass.host.PeerProcess;
import io.underpass.host.ProcStatus;
import io.underpass.kernel.Namespaces;
import io.underpass.kernel.OpenResources;
import io.underpass.kernel.ProcessCgroup;
import io.underpass.protocol.SocketOptions;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.Channel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.List;

/**
 * The real programs a second time, with small maps of their own that are pinned nowhere, and pairs
 * of loopback sockets that only they know. Registered JVMs and adopted maps are not touched: a
 * socket without a record in these maps is passed over, and records are made by descriptor.
 */
final class ProbeBed implements AutoCloseable {
  /** The programs that the probe has no use for; verifying them would take as long as all else. */
  private static final List<String> UNUSED = List.of("up_dump", "up_places", "up_claim");

  /** This process: a helper runs in the host's pid namespace, by which the programs go. */
  private static final int SELF = (int) ProcessHandle.current().pid();

  /** Stands for the registration that there is none of. */
  private static final int OWNER = 1;

  private static final byte[] ONE = {1, 0, 0, 0}; // an int; both machines are little-endian

  private static final int ROOM = 64;

  /** Small, so that a reader that does not read holds its sender soon. */
  private static final int BUFFER = 64 << 10;

  private final int faults;
  private final OpenResources open = new OpenResources();
  private final BpfObject object;
  private final BpfMap socks;
  private final ControlBlock control;
  private final Halves halves;
  private final Sweep sweep;

  /** Both ends of a connection, and the bytes under way each way. */
  record Pair(SocketChannel client, SocketChannel server, ProbeStream there, ProbeStream back) {}

  ProbeBed(byte[] image, Path cgroup, int faults) throws IOException {
    this.faults = faults;
    try {
      object = keep(BpfObject.open(image, "underpass_probe"));
      object.setKnob("take_every", 1);
      object.setKnob("known_only", 1);
      object.setKnob("fault", faults);
      for (String map : List.of("jvms", "users", "members", "senders", "halves", "handshakes")) {
        object.setMaxEntries(map, ROOM);
      }
      object.setMaxEntries("totals", 1);
      for (String program : UNUSED) {
        object.skipProgram(program);
      }
      object.load();
      socks = object.map("socks");
      control = keep(new ControlBlock(object.map("control")));
      halves = new Halves(object.map("halves"), object.map("members"));
      Namespaces namespaces = keep(new Namespaces());
      sweep = keep(Sweep.of(object, halves, new Known(), namespaces, new GracePeriod(object)));
      object.program("up_verdict").attachVerdict(object.map("senders"));
      for (String hook : List.of("up_setsockopt", "up_getsockopt")) {
        BpfLink _ = keep(object.program(hook).attachCgroup(cgroup));
      }
      register(object, cgroup);
    } catch (IOException | RuntimeException e) {
      open.closeAfter(e);
      throw e;
    }
  }

  /** Marks this process, and its cgroup, of which is true what is said of all: it is hooked. */
  private void register(BpfObject object, Path cgroup) throws IOException {
    int uid = ProcStatus.read(Path.of("/proc/self")).effectiveUid();
    new Users(object.map("users")).admit(uid);
    BpfMap jvms = object.map("jvms");
    ByteBuffer jvm = jvms.newValue();
    jvm.putLong(Jvm.START_BOOTTIME_NS, PeerProcess.nanos(PeerProcess.startTicksOf(SELF)));
    jvm.putInt(Jvm.ID, OWNER).putInt(Jvm.UID, uid);
    jvms.update(jvms.newKey().putInt(0, SELF), jvm, BpfMap.ANY);
    BpfMap hooked = object.map("hooked");
    long own = ProcessCgroup.idOf(SELF, cgroup).orElseThrow(() -> new IOException("no cgroup"));
    hooked.update(hooked.newKey().putLong(0, own), hooked.newValue(), BpfMap.ANY);
  }

  Pair connect() throws IOException {
    try (ServerSocketChannel listener = ServerSocketChannel.open()) {
      leaveToUs(listener);
      listener.setOption(StandardSocketOptions.SO_RCVBUF, BUFFER);
      listener.bind(new InetSocketAddress("127.0.0.1", 0));
      SocketChannel client = keep(SocketChannel.open());
      leaveToUs(client);
      client.setOption(StandardSocketOptions.SO_RCVBUF, BUFFER);
      client.setOption(StandardSocketOptions.SO_SNDBUF, BUFFER);
      client.setOption(StandardSocketOptions.TCP_NODELAY, true);
      client.connect(listener.getLocalAddress());
      SocketChannel server = keep(listener.accept());
      server.setOption(StandardSocketOptions.SO_SNDBUF, BUFFER);
      server.setOption(StandardSocketOptions.TCP_NODELAY, true);
      return new Pair(
          client, server, new ProbeStream(client, server), new ProbeStream(server, client));
    }
  }

  /**
   * An embedded helper's JVM may be registered with another helper, which would take these sockets
   * up too: it is told not to. Without one nobody knows the option. What is accepted inherits it.
   */
  private static void leaveToUs(Channel channel) throws IOException {
    set(channel, SocketOptions.PIN_TCP);
  }

  /** Nobody may answer. */
  private static void set(Channel channel, int option) throws IOException {
    int result =
        ChannelCalls.setOption(ChannelCalls.descriptor(channel), SocketOptions.LEVEL, option, ONE);
    if (result != 0 && result != -Errno.ENOPROTOOPT) {
      throw new IOException("setsockopt of option " + option + ": " + Errno.name(-result));
    }
  }

  /**
   * Makes the sockets known, as a JVM does that asks for them. They have a record before: no other
   * socket of this process gets one, whoever asks.
   */
  void adopt(Pair... pairs) throws IOException {
    for (Pair pair : pairs) {
      for (SocketChannel end : List.of(pair.client, pair.server)) {
        ByteBuffer record = socks.newValue();
        record.putInt(Sock.OWNER_ID, OWNER).putInt(Sock.OWNER_TGID, SELF);
        socks.update(key(end), record, BpfMap.NO_EXIST);
        set(end, SocketOptions.ACCELERATE);
      }
    }
  }

  /** How many sockets are enrolled after it. */
  int sweep() throws NativeException {
    sweep.runAnew(); // its maps are small
    return halves.members();
  }

  /** For all verdicts, at once; the next sweep takes the sockets off, or enrols them. */
  void pause(boolean paused) {
    control.pause(paused);
  }

  /** For tests: its programs, to be run in another order than a sweep's. */
  BpfObject object() {
    return object;
  }

  int state(SocketChannel end) throws IOException {
    return record(end).getInt(Sock.STATE);
  }

  boolean isReady(Pair pair) throws IOException {
    return state(pair.client) == FlowLayouts.UP_READY && state(pair.server) == FlowLayouts.UP_READY;
  }

  long redirectedBytes(SocketChannel sender) throws IOException {
    return record(sender).getLong(Sock.TX_COUNTERS + Counters.REDIRECTED_BYTES);
  }

  private ByteBuffer record(SocketChannel end) throws IOException {
    ByteBuffer record = socks.newValue();
    if (!socks.lookup(key(end), record)) {
      throw new IOException("a socket has lost its record");
    }
    return record;
  }

  /** How many bytes the kernel says can be read, as a program without the agent would ask. */
  int fionread(SocketChannel end) throws IOException {
    return seen(ChannelCalls.fionread(ChannelCalls.descriptor(end)), Fault.FIONREAD, 0);
  }

  /** What the kernel has answered, unless a test wants it misread. */
  int seen(int answer, Fault misread, int as) {
    return has(misread) ? as : answer;
  }

  /** Whether a test wants it. */
  boolean has(Fault fault) {
    return (faults & fault.bit) != 0;
  }

  /** Socket storage is asked for by descriptor. */
  private ByteBuffer key(SocketChannel end) throws IOException {
    return socks.newKey().putInt(0, ChannelCalls.descriptor(end));
  }

  <T extends AutoCloseable> T keep(T resource) {
    return open.keep(resource);
  }

  @Override
  public void close() {
    open.close();
  }
}
