package io.underpass.datapath;

import io.underpass.ffm.BpfIterator;
import io.underpass.ffm.Layouts;
import io.underpass.ffm.Layouts.Pending;
import io.underpass.ffm.NativeException;
import io.underpass.ffm.NetNamespace;
import io.underpass.ffm.RcuBarrier;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

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
  private final int homeNamespace;

  /** Apply passes that could not be made: the namespace could not be entered. */
  private long unreachable;

  Sweep(ControlBlock control, BpfIterator scan, BpfIterator apply) throws IOException {
    this.control = control;
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
    return new Result(found, moved, found.unsettled() > 0);
  }

  /** What a sweep found, whether it changed anything, and whether there is reason for another. */
  record Result(ControlBlock.Found found, boolean moved, boolean undecided) {
    Result andAgain() {
      return new Result(found, moved, true);
    }
  }

  long unreachable() {
    return unreachable;
  }

  private void apply(ByteBuffer pending) throws NativeException {
    Map<Integer, Integer> ownerByNamespace = new HashMap<>();
    boolean leaving = false;
    for (int at = 0; at + Pending.SIZE <= pending.limit(); at += Pending.SIZE) {
      ownerByNamespace.putIfAbsent(
          pending.getInt(at + Pending.NETNS_INUM), pending.getInt(at + Pending.OWNER_TGID));
      leaving |= pending.getInt(at + Pending.STATE) == Layouts.UP_LEAVING;
    }
    if (leaving) {
      // A verdict that still saw the old state has by then either passed, or holds the socket that
      // it redirects to, which up_apply sees.
      RcuBarrier.await();
    }
    for (Map.Entry<Integer, Integer> entry : ownerByNamespace.entrySet()) {
      if (entry.getKey() == homeNamespace) {
        apply.run();
      } else {
        applyIn(entry.getKey(), entry.getValue());
      }
    }
  }

  /** The sockets stay pending if it cannot be done: they run plain, and the next sweep tries. */
  private void applyIn(int namespace, int owner) {
    Path link = Path.of("/proc/" + owner + "/ns/net");
    try (NetNamespace there = NetNamespace.ofProcess(owner)) {
      if (namespaceOf(link) == namespace) {
        there.run(apply::run);
        return;
      }
    } catch (IOException e) {
      // The process has gone, or moved: its sockets with it, or they wait. Counted below.
    }
    unreachable++;
  }

  /** The number in {@code net:[4026531840]}. */
  private static int namespaceOf(Path link) throws IOException {
    String text = Files.readSymbolicLink(link).toString();
    return Integer.parseUnsignedInt(text.substring(text.indexOf('[') + 1, text.length() - 1));
  }
}
