/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ffm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FolderLockTest {
  @Test
  void oneHasItUntilItIsClosed(@TempDir Path folder) throws Exception {
    FolderLock lock = FolderLock.tryLock(folder).orElseThrow();
    assertTrue(FolderLock.tryLock(folder).isEmpty());
    lock.close();
    FolderLock.tryLock(folder).orElseThrow().close();
  }

  @Test
  void aFolderThatIsNotThereIsAnError(@TempDir Path folder) {
    NativeException e =
        assertThrows(NativeException.class, () -> FolderLock.tryLock(folder.resolve("none")));
    assertEquals(Errno.ENOENT, e.errno());
  }
}
