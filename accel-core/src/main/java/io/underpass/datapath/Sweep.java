package io.underpass.datapath;

import io.underpass.ffm.BpfIterator;
import io.underpass.ffm.Errno;
import io.underpass.ffm.GracePeriod;
import io.underpass.ffm.Layouts;
import io.underpass.ffm.Layouts.Pending;
import io.underpass.ffm.NativeException;
import io.underpass.ffm.NetNamespace;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
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

  /** Apply passes that could not be made: the namespace could not be entered. */
  private long unreachable;

  Sweep(ControlBlock control, BpfIterator scan, BpfIterator apply, GracePeriod gracePeriod)
      throws IOException {
    this.control = control;
    this.gracePeriod = gracePeriod;
    this.scan = scan;
    this.apply = apply;
    this.homeNamespace = namespaceOf(Path.of("/proc/self/ns/net"));
  }

  /** Sweeps until nothing moves on; returns what the last scan found, and if anything moved. */
  Result run() throws NativeException {
    boolean moved = false;
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

  /** How often a namespace with something to do could not be entered. */
  long unreachable() {
    return unreachable;
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
        unreachable++; // the sockets stay pending: they run plain, and the next sweep tries
      }
    }
  }

  /** Enters a namespace through any process that is in it; false if none is any more. */
  private boolean applyIn(int namespace, Set<Integer> owners) throws NativeException {
    for (int owner : owners) {
      try (NetNamespace there = NetNamespace.ofProcess(owner)) {
        if (namespaceOf(Path.of("/proc/" + owner + "/ns/net")) == namespace) {
          there.run(apply::run);
          return true;
        }
      } catch (NativeException e) {
        if (e.errno() != Errno.ENOENT && e.errno() != Errno.ESRCH) {
          throw e;
        }
      } catch (IOException e) {
        // It ended between the two looks.
      }
    }
    return false;
  }

  /** The number in {@code net:[4026531840]}. */
  private static int namespaceOf(Path link) throws IOException {
    String text = Files.readSymbolicLink(link).toString();
    return Integer.parseUnsignedInt(text.substring(text.indexOf('[') + 1, text.length() - 1));
  }
}
