/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.accel;

import io.underpass.ffm.BpfIterator;
import io.underpass.ffm.BpfMap;
import io.underpass.ffm.BpfObject;
import io.underpass.ffm.BpfProgram;
import io.underpass.ffm.Layouts.Claiming;
import io.underpass.ffm.Layouts.Jvm;
import io.underpass.ffm.Layouts.Place;
import io.underpass.ffm.NamespaceNumber;
import io.underpass.ffm.NativeException;
import io.underpass.ffm.NetNamespace;
import io.underpass.host.PeerProcess;
import io.underpass.host.ProcStatus;
import io.underpass.kernel.Namespaces;
import io.underpass.kernel.ProcessCgroup;
import io.underpass.service.Registration;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Looks at the open files of a process that registers. Where the kernel refuses the programs that
 * do so, the process is marked all the same, and its sockets are found as its agent asks for them.
 *
 * <p>To visit a file is to hold it for a moment. Where its owner closes it just then, the helper's
 * thread does the rest of the close, and may wait for a socket's lock, or as long as its owner let
 * it linger. So this is never done under a lock, nor on a thread that others wait for. Thread-safe:
 * what is claimed, and for whom, stands in the map {@code claims}, by the process.
 */
public final class Claims {
  /** A process has sockets in few network namespaces: its own, or those it was handed from. */
  private static final int MAX_NAMESPACES = 8;

  /** The programs that visit open files. */
  static final List<String> PROGRAMS = List.of("up_places", "up_claim", "up_caller");

  private final BpfMap claims;
  private final BpfMap jvms;

  /** Null where the kernel refuses them, as is the next. */
  private final BpfProgram places;

  private final BpfProgram claim;
  private final Namespaces namespaces;
  private final Path cgroup;

  /**
   * @param visits whether the programs that visit open files are loaded
   * @param cgroup where the v2 hierarchy is mounted
   */
  public Claims(BpfObject object, boolean visits, Namespaces namespaces, Path cgroup)
      throws NativeException {
    this.claims = object.map("claims");
    this.jvms = object.map("jvms");
    this.places = visits ? object.program("up_places") : null;
    this.claim = visits ? object.program("up_claim") : null;
    this.namespaces = namespaces;
    this.cgroup = cgroup;
  }

  /** Whether a process's sockets are found, beside those that its agent asks for. */
  public boolean visitsFiles() {
    return claim != null;
  }

  /**
   * Says for whom the sockets of a process are to be claimed, until {@link #end}.
   *
   * @param fresh whether the process registers now, and is whoever it is found to be
   */
  public void begin(Registrations.Entry entry, boolean fresh) throws NativeException {
    ByteBuffer value = claims.newValue();
    value.putInt(Claiming.ID, entry.id()).putInt(Claiming.SLOT, entry.slot());
    value.putLong(Claiming.DOMAINS, entry.domains()).putInt(Claiming.FRESH, fresh ? 1 : 0);
    claims.update(key(entry.pid()), value, BpfMap.ANY);
  }

  public void end(int pid) throws NativeException {
    claims.delete(key(pid));
  }

  /**
   * The cgroups that have to be hooked for a process, by their ids: its own first, and those that
   * its TCP sockets were made in. The namespaces of its sockets are kept for the registration.
   */
  public Set<Long> look(int pid, int id) throws NativeException {
    Set<Long> cgroups = new LinkedHashSet<>();
    Map<Integer, Integer> sockets = new HashMap<>();
    keep(id, () -> NetNamespace.ofProcess(pid));
    if (places == null) {
      ProcessCgroup.idOf(pid, cgroup).ifPresent(cgroups::add);
      return cgroups;
    }
    try (BpfIterator files = places.attachTaskIterator(pid)) {
      files.run(
          rows -> {
            for (int at = 0; at < rows.limit(); at += Place.SIZE) {
              cgroups.add(rows.getLong(at + Place.CGROUP_ID));
              int netns = rows.getInt(at + Place.NETNS_INUM);
              if (netns != 0 && sockets.size() < MAX_NAMESPACES) {
                sockets.putIfAbsent(netns, rows.getInt(at + Place.FD));
              }
            }
          });
    }
    sockets.forEach(
        (netns, fd) -> {
          if (namespaces.isKnown(netns)) {
            namespaces.use(id, netns);
          } else {
            keep(id, () -> NetNamespace.ofSocket(pid, fd));
          }
        });
    return cgroups;
  }

  /** Where a namespace may be found. */
  @FunctionalInterface
  private interface Door {
    NetNamespace open() throws NativeException;
  }

  private void keep(int id, Door door) {
    try {
      namespaces.keep(id, door.open());
    } catch (NativeException e) {
      // It has gone meanwhile, most likely. What cannot be reached runs by TCP, and status says so.
      return;
    }
  }

  /** Has the kernel mark the process, and its sockets if they may be accelerated. */
  public void mark(Registrations.Entry entry, Registration registration) throws IOException {
    if (claim == null || !registration.accelerates()) {
      markByHand(entry, registration);
      return;
    }
    try (BpfIterator files = claim.attachTaskIterator(entry.pid())) {
      files.run();
    }
  }

  /**
   * By what /proc says. The program image stays unknown: an exec that changes no user is not
   * noticed.
   */
  private void markByHand(Registrations.Entry entry, Registration registration) throws IOException {
    Path process = Path.of("/proc/" + entry.pid());
    int uid;
    int pidNamespace;
    int userNamespace;
    try {
      uid = ProcStatus.read(process).effectiveUid();
      pidNamespace = NamespaceNumber.of(process.resolve("ns/pid"));
      userNamespace = NamespaceNumber.of(process.resolve("ns/user"));
    } catch (IOException e) {
      throw PeerProcess.unseen(entry.pid());
    }
    ByteBuffer key = jvms.newKey().putInt(0, entry.pid());
    ByteBuffer value = jvms.newValue();
    boolean _ = jvms.lookup(key, value);
    value.putLong(Jvm.START_BOOTTIME_NS, PeerProcess.nanos(registration.startTicks()));
    value.putLong(Jvm.EXEC_ID, 0).putLong(Jvm.DOMAINS, entry.domains());
    value.putInt(Jvm.ID, entry.id()).putInt(Jvm.SLOT, entry.slot()).putInt(Jvm.UID, uid);
    value.putInt(Jvm.PIDNS_INUM, pidNamespace);
    value.putInt(Jvm.USERNS_INUM, userNamespace);
    jvms.update(key, value, BpfMap.ANY);
  }

  private ByteBuffer key(int pid) {
    return claims.newKey().putInt(0, pid);
  }
}
