/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.ports;

import static io.underpass.bpf.ports.Lines.assertMatches;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.underpass.protocol.PortView;
import io.underpass.testing.KernelTest;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A socket is where it was made, wherever its thread has gone since. */
@KernelTest
@Timeout(60)
class SocketNamespaceTest {
  private static final String POLICY =
      """
      allow uid 2001
      group * uid 0 identity 127.20.0.0/16
      group blue uid 2001
      """;

  @Test
  void aPrivatePortIsPrivateToThreadsOfOtherNetworksToo() throws Exception {
    try (PortsBed bed = new PortsBed(POLICY)) {
      Path program = Tenant.compile(bed.folder());
      Cast one = bed.member("blue", "-", "-", "127.20.0.91");
      assertEquals("127.0.0.1:7871", one.say("serve one socket 127.0.0.1 7871"));
      assertEquals("127.0.0.1:7871", one.say("answer oneudp channel 127.0.0.1 7871"));
      assertEquals(2, bed.ports().size());
      for (PortView port : bed.ports()) {
        try (Tenant tenant = Tenant.start(2005, program, "wander", port.protocol(), port.real())) {
          assertEquals("connect: Connection refused", tenant.line());
        }
      }
    }
  }

  @Test
  void whatAMemberBindsIsOfTheSocketsNetwork() throws Exception {
    try (PortsBed bed = new PortsBed(POLICY)) {
      Path program = Tenant.compile(bed.folder());
      Cast blue = bed.member("blue", "-");
      try (Tenant tenant = Tenant.start(2001, program, "wandering-member", bed.socket(), "blue")) {
        assertEquals("member sees 7871", tenant.line());
        assertMatches("wanderer at 7871 .*", blue.say("connect socket 127.0.0.1 7871"));
      }
      bed.awaitNone();
    }
  }
}
