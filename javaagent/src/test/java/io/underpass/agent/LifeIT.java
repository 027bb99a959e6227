/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.tools.attach.VirtualMachine;
import io.underpass.Reason;
import io.underpass.agent.child.Server;
import io.underpass.protocol.FlowView;
import io.underpass.protocol.Reply;
import io.underpass.protocol.Totals;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import javax.management.ObjectName;
import javax.management.remote.JMXConnector;
import javax.management.remote.JMXConnectorFactory;
import javax.management.remote.JMXServiceURL;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What the agent does while the program runs. */
@Timeout(120)
class LifeIT {
  private static final String PROGRAM = Server.class.getName();

  @TempDir Path folder;

  @Test
  void theNumbersAreTheHelpersAndEachFlowHasItsKind() throws Exception {
    try (ProtocolServer helper = new ProtocolServer(folder.resolve("s"));
        Child child =
            Child.start(Child.agent("flows=2," + Child.socket(helper.socket())), PROGRAM)) {
      assertEquals("ready", child.line());
      child.send("addresses");
      String[] addresses = child.line().split(" ", 2);
      helper.totals = new Totals(1, 2, 3, 4, 5, 6, Map.of(Reason.NO_PEER, 7L));
      helper.flows =
          List.of(
              flow(addresses[0], addresses[1], Reason.NONE),
              flow("[::1]:1", "[::1]:2", Reason.ONE_WAY),
              flow("[::1]:3", "[::1]:4", Reason.ONE_WAY));
      List<String> jmx = child.ask("jmx");
      for (String line :
          List.of(
              "State=registered",
              "HelperVersion=0.1.0",
              "ConnectionsAccelerated=1",
              "BytesRedirected=2",
              "MessagesRedirected=3",
              "BytesPassed=4",
              "MessagesPassed=5",
              "Switches=6",
              "ConnectionsPlain=[{key:no-peer value:7}]",
              "SuppressedErrors=0",
              "Limit=2")) {
        assertTrue(jmx.contains(line), () -> line + " is not in " + jmx);
      }
      String flows = jmx.stream().filter(l -> l.startsWith("Flows=")).findFirst().orElseThrow();
      assertTrue(flows.contains("kind:socket") && flows.contains("local:" + addresses[0]), flows);
      assertTrue(flows.contains("kind:unknown") && !flows.contains("[::1]:3"), flows);
      assertTrue(flows.contains("reason:one-way") && flows.contains("state:accelerated"), flows);
      assertTrue(flows.contains("explanation:" + Reason.ONE_WAY.explanation()), flows);
    }
  }

  /** It need not be the first look that helps, and one that does not is not worth many. */
  @Test
  void connectionsThatNobodyAnswersForHaveTheHelperLookNowAndThen() throws Exception {
    try (ProtocolServer helper = new ProtocolServer(folder.resolve("s"));
        Child child = Child.start(Child.agent(Child.socket(helper.socket())), PROGRAM)) {
      assertEquals("ready", child.line());
      while (helper.claims.get() == 0) {
        child.send("new");
        assertEquals("new true", child.line());
        Thread.sleep(5);
      }
      long start = System.nanoTime();
      for (int i = 0; i < 50; i++) {
        child.send("new");
        assertEquals("new true", child.line());
        Thread.sleep(20);
      }
      long least = 2 + (System.nanoTime() - start) / 10_000_000_000L;
      assertTrue(helper.claims.get() <= least, () -> helper.claims + " looks");
      assertTrue(child.ask("jmx").contains("SuppressedErrors=0"));
    }
  }

  @Test
  @Timeout(60)
  void aConnectionThatEndsAtOnceIsCountedAsBrief() throws Exception {
    try (ProtocolServer helper = new ProtocolServer(folder.resolve("s"));
        Child child = Child.start(Child.agent(Child.socket(helper.socket())), PROGRAM)) {
      assertEquals("ready", child.line());
      List<String> jmx;
      do { // on a slow machine it may last long enough to be no brief one
        child.send("new");
        assertEquals("new true", child.line());
        jmx = child.ask("jmx");
      } while (jmx.stream().noneMatch(l -> l.startsWith("ConnectionsPlain=[{key:brief ")));
      assertTrue(jmx.contains("SuppressedErrors=0"), jmx::toString);
    }
  }

  @Test
  void aHelperThatRefusesTheKernelSaysWhy() throws Exception {
    try (ProtocolServer helper = new ProtocolServer(folder.resolve("s"))) {
      helper.toRegister =
          Reply.ok(
              Map.of(
                  "id", "7",
                  "proto", "1",
                  "helper", "0.1.0",
                  "level", "30064",
                  "probe.order", "failed byte 7 is another one",
                  "probe.selector", "ok"));
      try (Child child = Child.start(Child.agent(Child.socket(helper.socket())), PROGRAM)) {
        assertEquals("ready", child.line());
        List<String> jmx = child.ask("jmx");
        for (String line :
            List.of(
                "State=refused",
                "Reason=the kernel failed the probe of order: byte 7 is another one",
                "Probes=[{key:order value:failed: byte 7 is another one},"
                    + " {key:selector value:ok}]",
                "SuppressedErrors=0")) {
          assertTrue(jmx.contains(line), () -> line + " is not in " + jmx);
        }
      }
    }
  }

  @Test
  void aHelperThatGoesAwayIsNoticedAndFoundAgain() throws Exception {
    Path socket = folder.resolve("s");
    try (Child child = Child.start(Child.agent(Child.socket(socket)), PROGRAM)) {
      assertEquals("ready", child.line());
      assertTrue(child.ask("jmx").contains("State=plain"));
      ProtocolServer first = new ProtocolServer(socket);
      first.totals = new Totals(0, 99, 0, 0, 0, 0, Map.of());
      first.registrations.take();
      List<String> registered = askUntil(child, "State=registered");
      assertTrue(registered.contains("Reason="), registered::toString);
      assertTrue(askUntil(child, "BytesRedirected=99").contains("State=registered"));
      first.close();
      List<String> gone = askUntil(child, "State=helper-gone");
      assertTrue(gone.contains("BytesRedirected=99"), gone::toString);
      child.send("exchange");
      assertEquals("got 2", child.line());
      try (ProtocolServer second = new ProtocolServer(socket)) {
        second.registrations.take();
        List<String> again = askUntil(child, "State=registered");
        assertTrue(again.contains("SuppressedErrors=0"), again::toString);
      }
      assertEquals(1, child.errors().size(), () -> "only the line of the start");
    }
  }

  @Test
  void attachingHooksTheSocketsOfARunningJvm() throws Exception {
    try (ProtocolServer helper = new ProtocolServer(folder.resolve("s"));
        Child child = Child.start("-XX:+EnableDynamicAgentLoading", PROGRAM)) {
      assertEquals("ready", child.line());
      VirtualMachine vm = VirtualMachine.attach(child.pid());
      try {
        vm.loadAgent(Child.JAR.toString(), Child.socket(helper.socket()));
        vm.loadAgent(Child.JAR.toString(), Child.socket(helper.socket()));
      } finally {
        vm.detach();
      }
      assertEquals(1, helper.registrations.size());
      child.send("exchange");
      assertEquals("got 2", child.line());
      child.send("new");
      assertEquals("new true", child.line());
      List<String> jmx = child.ask("jmx");
      for (String line :
          List.of(
              "State=registered",
              "SocketsCreated=1",
              "Connects=1",
              "Accepts=1",
              "Closes=2",
              "SuppressedErrors=0",
              "NotInstrumented=[]")) {
        assertTrue(jmx.contains(line), () -> line + " is not in " + jmx);
      }
      assertEquals(List.of(), child.errors());
    }
  }

  @Test
  void aJmxClientFindsTheBeansAtOnce() throws Exception {
    try (ProtocolServer helper = new ProtocolServer(folder.resolve("s"));
        Child child = Child.start(Child.agent(Child.socket(helper.socket())), PROGRAM)) {
      assertEquals("ready", child.line());
      assertEquals("registered", readByJmx(child));
    }
  }

  @Test
  void theBeansComeWhereJmxWasThereBeforeTheAgent() throws Exception {
    try (ProtocolServer helper = new ProtocolServer(folder.resolve("s"));
        Child child = Child.start("-XX:+EnableDynamicAgentLoading", PROGRAM)) {
      assertEquals("ready", child.line());
      VirtualMachine vm = VirtualMachine.attach(child.pid());
      try {
        vm.startLocalManagementAgent();
        vm.loadAgent(Child.JAR.toString(), Child.socket(helper.socket()));
      } finally {
        vm.detach();
      }
      assertEquals("registered", readByJmx(child));
    }
  }

  // The address is that of a JVM which this test has started.
  @SuppressWarnings("BanJNDI")
  private static String readByJmx(Child child) throws Exception {
    VirtualMachine vm = VirtualMachine.attach(child.pid());
    String url;
    try {
      url = vm.startLocalManagementAgent();
    } finally {
      vm.detach();
    }
    try (JMXConnector connector = JMXConnectorFactory.connect(new JMXServiceURL(url))) {
      ObjectName name = new ObjectName("io.underpass:type=Accelerator");
      // By the agent's thread if JMX was there first, and then a moment later.
      while (!connector.getMBeanServerConnection().isRegistered(name)) {
        Thread.sleep(10);
      }
      return (String) connector.getMBeanServerConnection().getAttribute(name, "State");
    }
  }

  private static List<String> askUntil(Child child, String line) throws Exception {
    while (true) {
      List<String> jmx = child.ask("jmx");
      if (jmx.contains(line)) {
        return jmx;
      }
      Thread.sleep(50);
    }
  }

  private static FlowView flow(String local, String remote, Reason reason) {
    FlowView.Counters none = FlowView.Counters.ZERO;
    boolean accelerated = reason == Reason.NONE;
    return new FlowView(1, local, remote, 1, accelerated, reason, 5, none, none, 0, 0, 0);
  }
}
