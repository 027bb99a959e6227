/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ffm;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/** An open cgroup of the v2 hierarchy. It can be removed all the same while it is open. */
public final class Cgroup implements AutoCloseable {
  /** {@code FILEID_KERNFS} of linux/exportfs.h: the id alone names a file of such a file system. */
  private static final int FILEID_KERNFS = 0xfe;

  private static final int ID_BYTES = 8;

  private final int fd;

  private Cgroup(int fd) {
    this.fd = fd;
  }

  /** The one at a path. */
  public static Cgroup open(Path path) throws NativeException {
    return new Cgroup(LibC.open(path, LibC.O_RDONLY | LibC.O_DIRECTORY | LibC.O_CLOEXEC));
  }

  /**
   * The one that has this id, as the kernel gives it, wherever it is in the hierarchy: a path could
   * be another one's by the time that it is opened. ESTALE if there is none any more; wants
   * CAP_DAC_READ_SEARCH.
   *
   * @param mount any open cgroup of the hierarchy
   */
  public static Cgroup open(Cgroup mount, long id) throws NativeException {
    try (Arena arena = Arena.ofConfined()) {
      // struct file_handle { u32 handle_bytes; int handle_type; u8 f_handle[]; }
      MemorySegment handle = arena.allocate(8 + ID_BYTES, 8);
      handle.set(JAVA_INT, 0, ID_BYTES);
      handle.set(JAVA_INT, 4, FILEID_KERNFS);
      handle.set(JAVA_LONG, 8, id);
      return new Cgroup(
          LibC.openByHandle(mount.fd, handle, LibC.O_RDONLY | LibC.O_DIRECTORY | LibC.O_CLOEXEC));
    }
  }

  int fd() {
    return fd;
  }

  @Override
  public void close() {
    LibC.close(fd);
  }
}
