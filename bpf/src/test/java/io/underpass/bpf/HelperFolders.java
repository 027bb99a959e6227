/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import io.underpass.testing.HelperProcess;
import io.underpass.testing.Pinning;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** Tests whose helpers are processes, one after the other, with one socket and the same pins. */
public abstract class HelperFolders {
  protected Path folder;
  protected Path socket;
  protected Path pins;

  @BeforeEach
  void makeFolders() throws IOException {
    folder = Files.createTempDirectory("underpass-test");
    socket = folder.resolve("helper.sock");
    pins = Pinning.newFolder();
  }

  /** After what the test itself takes away: nothing of its helpers is in the kernel. */
  @AfterEach
  void removeFolders() throws IOException, InterruptedException {
    Files.deleteIfExists(folder);
    HelperProcess.assertNothingLeft(pins);
  }
}
