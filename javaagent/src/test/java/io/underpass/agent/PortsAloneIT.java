/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.datapath.KernelSource;
import io.underpass.helper.Helper;
import io.underpass.protocol.FlowView;
import io.underpass.service.HelperConfig;
import io.underpass.testing.KernelTest;
import io.underpass.testing.Pinning;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * JVMs with a port group have a connection before their helper comes. With all repairs it is
 * accelerated then; without one of them it is not, and the group is there all the same.
 */
@KernelTest
@Timeout(120)
class PortsAloneIT {
  private static final int EXCHANGES = 2_000;

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void whatCannotBeRepairedIsInItsGroupAndPlain(boolean repaired) throws Exception {
    Path policy = Files.writeString(folder.resolve("policy"), "allow uid 0\ngroup blue uid 0\n");
    Path socket = folder.resolve("s");
    String jar = repaired ? Child.JAR.toString() : AgentJar.thatMisses(folder, "sendUrgentData");
    String agent = "-javaagent:" + jar + "=group=blue," + Child.socket(socket);
    try (Dialogue dialogue = new Dialogue(agent, Jdk.current(), Jdk.current(), "sockets")) {
      int connection = dialogue.connect();
      dialogue.exchange(connection, 50);
      try (Helper helper =
          Helper.start(
              HelperConfig.defaults()
                  .withSocket(socket)
                  .withPolicyFile(policy)
                  .withBpffs(Pinning.newFolder()),
              new KernelSource())) {
        for (Child end : List.of(dialogue.client, dialogue.server)) {
          awaitMember(end);
          assertEquals(repaired ? "registered" : "plain", Dialogue.jmx(end).get("State"));
        }
        int talks = 0;
        while (talks < EXCHANGES || (repaired && accelerated(helper) < 2)) {
          dialogue.exchange(connection, 50);
          talks += 50;
        }
        assertEquals(repaired ? 2 : 0, accelerated(helper));
        assertTrue(repaired || helper.flows(10).isEmpty(), () -> helper.flows(10).toString());
        dialogue.assertNoErrorsInside();
      }
    }
  }

  private static void awaitMember(Child end) throws Exception {
    while (!"true".equals(Dialogue.jmx(end).get("Ports.Joined"))) {
      Thread.sleep(50);
    }
  }

  private static long accelerated(Helper helper) throws Exception {
    return helper.flows(10).stream().filter(FlowView::accelerated).count();
  }
}
