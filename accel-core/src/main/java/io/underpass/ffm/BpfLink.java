/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ffm;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/**
 * The attachment of a program. It lasts as long as a descriptor or a pin of it: closing this one
 * detaches the program, unless the link is pinned.
 */
public final class BpfLink implements AutoCloseable {
  /** -1 when closed. */
  private int fd;

  BpfLink(int fd) {
    this.fd = fd;
  }

  /** The link that is pinned at a path; ENOENT if there is none. */
  public static BpfLink openPinned(Path path) throws NativeException, UnavailableException {
    LibBpf.ensureAvailable();
    return new BpfLink(BpfCalls.check(BpfCalls.get(path.toString()), "bpf_obj_get " + path));
  }

  /** Keeps the program attached until the file is deleted and no descriptor is left. */
  public void pin(Path path) throws NativeException {
    BpfCalls.check(BpfCalls.pin(fd, path.toString()), "bpf_obj_pin " + path);
  }

  /** Puts another program of the same type in the place of the attached one, atomically. */
  public void update(BpfProgram program) throws NativeException {
    BpfCalls.check(BpfCalls.linkUpdate(fd, program.fd()), "bpf_link_update " + program.name());
  }

  /** The kernel's id of the program that this link attaches. */
  public int programId() throws NativeException {
    try (Arena arena = Arena.ofConfined()) {
      // struct bpf_link_info { type; id; prog_id; union ... }
      MemorySegment info = arena.allocate(64, 8);
      BpfCalls.check(BpfCalls.info(fd, info), "bpf_obj_get_info_by_fd");
      return info.get(JAVA_INT, 8);
    }
  }

  int fd() {
    return fd;
  }

  @Override
  public void close() {
    if (fd >= 0) {
      LibC.close(fd);
      fd = -1;
    }
  }
}
