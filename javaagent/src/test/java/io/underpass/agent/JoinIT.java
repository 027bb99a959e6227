/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.agent.child.Available;
import io.underpass.agent.child.Rally;
import io.underpass.datapath.KernelSource;
import io.underpass.helper.Helper;
import io.underpass.kernel.BuiltObject;
import io.underpass.service.HelperConfig;
import io.underpass.testing.KernelTest;
import io.underpass.testing.TestCgroup;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a JVM's sockets are known for, and when: the helper is the real one. */
@KernelTest
@Timeout(120)
class JoinIT {
  @TempDir Path folder;

  /** What is asked of a socket that nobody knows yet has no answer, and that means nothing. */
  @Test
  void aProgramThatAsksEarlyHasRightAnswersLater() throws Exception {
    try (Helper helper = Helper.start(config(), new KernelSource())) {
      Child.Result result =
          Child.run(Child.agent(Child.socket(helper.socket())), Available.class.getName());
      assertEquals(List.of("available 7"), result.lines());
      assertTrue(result.jmx().contains("ConnectionsAccelerated=2"), () -> result.jmx().toString());
      assertEquals(List.of(), result.err());
    }
  }

  @Test
  void aJvmThatIsMovedGoesOnBeingAccelerated() throws Exception {
    try (Helper helper = Helper.start(config(), new KernelSource());
        TestCgroup cgroup = TestCgroup.create()) {
      Path pins = BuiltObject.DATAPATH.pinFolder(Path.of(helper.status().bpffs()));
      Path hook = pins.resolve("link_" + cgroup.id() + "_up_getsockopt");
      try (Child child =
          Child.start(Child.agent(Child.socket(helper.socket())), Rally.class.getName())) {
        child.send("sockets");
        assertEquals("in order", child.line());
        assertFalse(Files.exists(hook));
        cgroup.take(Long.parseLong(child.pid()));
        long before = accelerated(child);
        while (accelerated(child) == before) {
          child.send("sockets");
          assertEquals("in order", child.line());
        }
        assertTrue(Files.exists(hook));
        assertEquals(List.of(), child.errors());
        child.end();
      }
      while (Files.exists(hook)) {
        Thread.sleep(10);
      }
    }
  }

  private HelperConfig config() {
    String pins = "/sys/fs/bpf/underpass-agent-test-" + ProcessHandle.current().pid();
    return HelperConfig.defaults().withSocket(folder.resolve("s")).withBpffs(Path.of(pins));
  }

  private static long accelerated(Child child) throws Exception {
    String name = "ConnectionsAccelerated=";
    return child.ask("jmx").stream()
        .filter(line -> line.startsWith(name))
        .mapToLong(line -> Long.parseLong(line.substring(name.length())))
        .findFirst()
        .orElseThrow();
  }
}
