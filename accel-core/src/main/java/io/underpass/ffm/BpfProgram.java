/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ffm;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/**
 * A BPF program in the kernel, and the ways to attach it. Its descriptor belongs to its {@link
 * BpfObject}.
 */
public final class BpfProgram {
  /** enum bpf_attach_type. */
  private static final int BPF_SK_MSG_VERDICT = 7;

  private static final int BPF_TRACE_ITER = 28;

  /** struct bpf_link_create_opts up to and with iter_info_len, padded. */
  private static final int LINK_OPTS_BYTES = 32;

  private static final int LINK_OPTS_ITER = 16;
  private static final int LINK_OPTS_ITER_LENGTH = 24;

  private final String name;
  private final int fd;
  private final int attachType;

  BpfProgram(String name, int fd, int attachType) {
    this.name = name;
    this.fd = fd;
    this.attachType = attachType;
  }

  public String name() {
    return name;
  }

  /** The kernel's id of the program. */
  public int id() throws NativeException {
    try (Arena arena = Arena.ofConfined()) {
      // struct bpf_prog_info { type; id; ... }: a caller may ask for its start only.
      MemorySegment info = arena.allocate(8, 8);
      BpfCalls.check(BpfCalls.info(fd, info), "bpf_obj_get_info_by_fd " + name);
      return info.get(JAVA_INT, 4);
    }
  }

  /** Attaches a cgroup program to a cgroup and all below it, beside those of others. */
  public BpfLink attachCgroup(Cgroup cgroup) throws NativeException {
    return link(BpfCalls.linkCreate(fd, cgroup.fd(), attachType, MemorySegment.NULL));
  }

  /** The same, by the cgroup's path. */
  public BpfLink attachCgroup(Path cgroup) throws NativeException {
    try (Cgroup target = Cgroup.open(cgroup)) {
      return attachCgroup(target);
    }
  }

  /** Makes an iterator of an {@code iter/...} program that needs nothing to say what it visits. */
  public BpfIterator attachIterator() throws NativeException {
    return iterator(MemorySegment.NULL);
  }

  /** Makes a program of {@code tc} ready to be run by hand. */
  public ProgramRun runs() {
    return new ProgramRun(name, fd);
  }

  /**
   * Makes an iterator over the threads of one process, or their files. Kernels before 6.1 cannot
   * choose: there it visits those of all processes.
   */
  public BpfIterator attachTaskIterator(int pid) throws NativeException {
    try (Arena arena = Arena.ofConfined()) {
      // union bpf_iter_link_info, task: { tid; pid; pid_fd; }
      MemorySegment info = arena.allocate(12, 4);
      info.set(JAVA_INT, 4, pid);
      return iterator(iterOptions(arena, info));
    } catch (NativeException e) {
      if (e.errno() == Errno.E2BIG) {
        return attachIterator();
      }
      throw e;
    }
  }

  /**
   * Makes this the verdict on messages of all sockets in a sockmap or sockhash, in the place of
   * another one. It stays so until the map's last descriptor and pin go.
   */
  public void attachVerdict(BpfMap sockhash) throws NativeException {
    BpfCalls.check(
        BpfCalls.progAttach(fd, sockhash.fd(), BPF_SK_MSG_VERDICT, 0), "bpf_prog_attach " + name);
  }

  /** Keeps the program in the kernel until the file is deleted. */
  public void pin(Path path) throws NativeException {
    BpfCalls.check(BpfCalls.pin(fd, path.toString()), "bpf_obj_pin " + path);
  }

  int fd() {
    return fd;
  }

  /** The kernel reads as much of union bpf_iter_link_info as is given. */
  private static MemorySegment iterOptions(Arena arena, MemorySegment info) {
    MemorySegment options = arena.allocate(LINK_OPTS_BYTES, 8);
    options.set(JAVA_LONG, 0, LINK_OPTS_BYTES);
    options.set(ADDRESS, LINK_OPTS_ITER, info);
    options.set(JAVA_INT, LINK_OPTS_ITER_LENGTH, (int) info.byteSize());
    return options;
  }

  private BpfIterator iterator(MemorySegment options) throws NativeException {
    return new BpfIterator(name, link(BpfCalls.linkCreate(fd, 0, BPF_TRACE_ITER, options)));
  }

  private BpfLink link(int result) throws NativeException {
    return new BpfLink(BpfCalls.check(result, "bpf_link_create " + name));
  }
}
