/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ffm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.testing.KernelTest;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LibBpfTest {
  @Test
  void anAbsentLibraryIsNamedWithItsRemedy() {
    LibBpf.Probe probe = LibBpf.probe("libno-such-bpf.so.1", Arena.ofAuto());

    assertNull(probe.symbols());
    assertEquals(
        "libbpf is not installed (libno-such-bpf.so.1 cannot be loaded)", probe.cause().reason());
    assertTrue(probe.cause().remedy().contains("apt-get install libbpf1"));
  }

  @Test
  void aLibraryBeforeOneIsTooOld(@TempDir Path folder) throws Exception {
    Path old =
        Compiler.sharedObject(
            folder,
            "unsigned libbpf_major_version(void) { return 0; }"
                + " const char *libbpf_version_string(void) { return \"v0.8\"; }");

    try (Arena arena = Arena.ofConfined()) {
      LibBpf.Probe probe = LibBpf.probe(old.toString(), arena);
      assertNull(probe.symbols());
      assertEquals("libbpf v0.8 is too old, 1.0 or later is needed", probe.cause().reason());
    }
  }

  @Test
  void aLibraryThatDoesNotTellItsVersionIsTooOld(@TempDir Path folder) throws Exception {
    Path old = Compiler.sharedObject(folder, "int bpf_object__load(void *o) { return 0; }");

    try (Arena arena = Arena.ofConfined()) {
      LibBpf.Probe probe = LibBpf.probe(old.toString(), arena);
      assertNull(probe.symbols());
      assertEquals("libbpf is older than 1.0 (" + old + ")", probe.cause().reason());
    }
  }

  @KernelTest
  @Test
  void theInstalledLibraryTellsItsVersion() {
    assertNotNull(LibBpf.symbols());
    assertTrue(LibBpf.version().matches("v[1-9][0-9]*\\.[0-9]+.*"), LibBpf.version());
  }
}
