package io.underpass.datapath;

import io.underpass.ffm.BpfIterator;
import io.underpass.ffm.GracePeriod;
import io.underpass.ffm.Layouts;
import io.underpass.ffm.Layouts.Pending;
import io.underpass.ffm.NativeException;
import io.underpass.ffm.NetNamespace;
import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * One sweep: scan, then apply in each network namespace that has work, again as long as something
 * moves on. It keeps no state of its own: what is decided stands in the sockets' records.
 *
 * <p>Guarded by the caller: one sweep at a time (see {@link KernelDatapath}).
 */
final class Sweep {
  /**
   * From "just seen" to "may redirect" a pair takes four scans: its first end is published, its
   * second finds it, both are enrolled, both learn so. The fifth sees that all is settled.
   */
  private static final int PASSES = 5;

  private final ControlBlock control;
  private final BpfIterator scan;
  private final BpfIterator apply;
  private final GracePeriod gracePeriod;
  private final int homeNamespace;

  /** Namespaces with something to do that the last run could not enter. */
  private final Set<Integer> unreachable = new HashSet<>();

  Sweep(ControlBlock control, BpfIterator scan, BpfIterator apply, GracePeriod gracePeriod)
      throws NativeException {
    this.control = control;
    this.gracePeriod = gracePeriod;
    this.scan = scan;
    this.apply = apply;
    try (NetNamespace home = NetNamespace.own()) {
      this.homeNamespace = home.number();
    }
  }

  /** Sweeps until nothing moves on; returns what the last scan found, and if anything moved. */
  Result run() throws NativeException {
    boolean moved = false;
    unreachable.clear();
    ControlBlock.Found found = null;
    for (int pass = 0; pass < PASSES; pass++) {
      control.write();
      ByteBuffer pending = scan.run();
      found = control.read();
      moved |= found.progress() > 0;
      if (pending.hasRemaining()) {
        apply(pending);
      }
      if (found.progress() == 0) {
        break;
      }
    }
    control.recheck(found.again()); // in the next run, since it may be the last pass that asks
    return new Result(found, moved, found.unsettled() > 0);
  }

  /** What a sweep found, whether it changed anything, and whether there is reason for another. */
  record Result(ControlBlock.Found found, boolean moved, boolean undecided) {
    /** Nothing was looked at, and there is to be another. */
    static final Result LATER =
        new Result(new ControlBlock.Found(0, 0, 0, 0, 0, false), false, true);

    Result andAgain() {
      return new Result(found, moved, true);
    }
  }

  /** How many namespaces with something to do the last run could not enter. */
  int unreachable() {
    return unreachable.size();
  }

  private void apply(ByteBuffer pending) throws NativeException {
    Map<Integer, Set<Integer>> ownersByNamespace = new HashMap<>();
    boolean leaving = false;
    for (int at = 0; at + Pending.SIZE <= pending.limit(); at += Pending.SIZE) {
      ownersByNamespace
          .computeIfAbsent(pending.getInt(at + Pending.NETNS_INUM), _ -> new HashSet<>())
          .add(pending.getInt(at + Pending.OWNER_TGID));
      leaving |= pending.getInt(at + Pending.STATE) == Layouts.UP_LEAVING;
    }
    if (leaving) {
      // A verdict that still saw the old state has by then either passed, or holds the socket that
      // it redirects to, which up_apply sees.
      gracePeriod.await();
    }
    for (Map.Entry<Integer, Set<Integer>> entry : ownersByNamespace.entrySet()) {
      if (entry.getKey() == homeNamespace) {
        apply.run();
      } else if (!applyIn(entry.getKey(), entry.getValue())) {
        unreachable.add(entry.getKey()); // the sockets stay pending, and the next sweep tries
      }
    }
  }

  /** Enters a namespace through a process that is in it, or else through a socket of one. */
  private boolean applyIn(int namespace, Set<Integer> owners) throws NativeException {
    for (int owner : owners) {
      if (applyIn(namespace, () -> NetNamespace.ofProcess(owner))) {
        return true;
      }
    }
    // Nobody is in it, but for sockets: of a listener that was handed over, or of one who has left.
    for (int owner : owners) {
      for (int descriptor : socketsOf(owner)) {
        if (applyIn(namespace, () -> NetNamespace.ofSocket(owner, descriptor))) {
          return true;
        }
      }
    }
    return false;
  }

  /** Where a namespace may be found. */
  @FunctionalInterface
  private interface Door {
    NetNamespace open() throws NativeException;
  }

  /** False if it is not that namespace, or cannot be found out. */
  private boolean applyIn(int namespace, Door door) throws NativeException {
    NetNamespace opened;
    try {
      opened = door.open();
    } catch (NativeException e) {
      return false; // it has gone meanwhile, most likely; what stays so, the status says
    }
    try (NetNamespace there = opened) {
      if (there.number() != namespace) {
        return false;
      }
      there.run(apply::run);
      return true;
    }
  }

  /** Descriptors; none if the process has ended. */
  private static List<Integer> socketsOf(int owner) {
    List<Integer> sockets = new ArrayList<>();
    String[] descriptors = new File("/proc/" + owner + "/fd").list();
    for (String descriptor : descriptors == null ? new String[0] : descriptors) {
      if (isSocket(Path.of("/proc", Integer.toString(owner), "fd", descriptor))) {
        sockets.add(Integer.parseInt(descriptor));
      }
    }
    return sockets;
  }

  private static boolean isSocket(Path descriptor) {
    try {
      return Files.readSymbolicLink(descriptor).toString().startsWith("socket:");
    } catch (IOException e) {
      return false; // closed meanwhile
    }
  }
}
