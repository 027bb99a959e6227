/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.host;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What is read from /proc about processes. */
class ProcTest {
  @Test
  void missingCapabilitiesAreNamed() {
    // All of them but CAP_NET_ADMIN (12) and CAP_BPF (39).
    HelperException e =
        assertThrows(HelperException.class, () -> Privileges.check(held("0000017fffffefff")));
    assertEquals("the privilege is missing (CAP_NET_ADMIN, CAP_BPF)", e.reason());
    assertTrue(e.remedy().contains("sudo underpass helper"), e.remedy());
  }

  @Test
  void allCapabilitiesAreEnough() {
    assertDoesNotThrow(() -> Privileges.check(held("000001ffffffffff")));
  }

  /** As in proc_pid_status(5), of a thread with these effective capabilities. */
  private static HeldPrivileges held(String effective) throws IOException {
    return HeldPrivileges.of(
        ProcStatus.parse(
            List.of(
                "Uid:\t7\t7\t7\t7",
                "CapInh:\t0",
                "CapPrm:\t" + effective,
                "CapEff:\t" + effective,
                "CapBnd:\t" + effective,
                "CapAmb:\t0",
                "NoNewPrivs:\t0")));
  }

  @Test
  void aCommandsNameDoesNotConfuseTheStartTime() throws Exception {
    String rest = " S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20 21";
    assertEquals(4711, PeerProcess.parseStartTicks("42 (a) b) 99 (c)" + rest));
  }

  @Test
  void theKernelsOwnFileIsUnderstood() throws Exception {
    long ticks = PeerProcess.parseStartTicks(Files.readString(Path.of("/proc/self/stat")));
    assertTrue(ticks > 0);
  }

  @Test
  void whatIsNoStatFileIsAnError() {
    assertThrows(IOException.class, () -> PeerProcess.parseStartTicks("42 (java) S 1"));
    assertThrows(IOException.class, () -> PeerProcess.parseStartTicks(""));
  }
}
