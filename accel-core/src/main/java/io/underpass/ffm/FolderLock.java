/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ffm;

import java.nio.file.Path;
import java.util.Optional;

/**
 * A lock on a folder, by flock(2). It works on bpffs, whose files cannot be opened, and it goes
 * with the process, however that ends.
 */
public final class FolderLock implements AutoCloseable {
  private final int fd;

  private FolderLock(int fd) {
    this.fd = fd;
  }

  /** Empty if somebody else, in this process or another, has the lock. */
  public static Optional<FolderLock> tryLock(Path folder) throws NativeException {
    int fd = LibC.open(folder, LibC.O_RDONLY | LibC.O_DIRECTORY | LibC.O_CLOEXEC);
    try {
      LibC.flock(fd);
      return Optional.of(new FolderLock(fd));
    } catch (NativeException e) {
      LibC.close(fd);
      if (e.errno() == Errno.EAGAIN) {
        return Optional.empty();
      }
      throw e;
    }
  }

  @Override
  public void close() {
    LibC.close(fd);
  }
}
