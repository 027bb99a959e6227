/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.Reason;
import io.underpass.accel.Tuning;
import io.underpass.accel.Tuning.Fault;
import io.underpass.datapath.KernelDatapath;
import io.underpass.ffm.NetNamespace;
import io.underpass.host.PeerProcess;
import io.underpass.protocol.FlowView;
import io.underpass.protocol.HelperClient;
import io.underpass.protocol.HelperState;
import io.underpass.protocol.Probe;
import io.underpass.protocol.Probe.Outcome;
import io.underpass.service.Datapath;
import io.underpass.service.Registration;
import io.underpass.testing.HelperProcess;
import io.underpass.testing.KernelTest;
import io.underpass.testing.Pinning;
import io.underpass.testing.TestCgroup;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The running kernel is tried before use; what it does wrong is found, and refused with a reason.
 */
@KernelTest
@Timeout(60)
class KernelProbeTest {
  @Test
  void thisKernelPassesWhatAccelerationNeeds() throws Exception {
    try (Testbed bed = new Testbed(true)) {
      List<Probe> probes = bed.client.status().probes();
      assertEquals(
          List.of(
              "enrolment",
              "order",
              "blocked-reader",
              "selector",
              "half-close",
              "back-pressure",
              "available",
              "fionread",
              "un-enrolment"),
          probes.stream().map(Probe::name).toList());
      for (Probe probe : probes) {
        // FIONREAD of enrolled sockets counts both queues before 929e30f93125 or not at all after.
        assertTrue(
            probe.outcome() == Outcome.OK
                || (probe.name().equals("fionread") && probe.outcome() == Outcome.OFF),
            probe::toString);
      }
      assertEquals(HelperState.RUNNING, bed.client.status().state());
    }
  }

  /** The probe has maps and sockets of its own; a refusal then takes the adopted flows back. */
  @Test
  void flowsOfAHelperBeforeGoOnThroughTheProbeAndBackToTcpWhenItFails() throws Exception {
    Path folder = Files.createTempDirectory("underpass-test");
    Path socket = folder.resolve("helper.sock");
    Path pins = Pinning.newFolder();
    List<String> trouble = new ArrayList<>();
    try (Streams streams = new Streams(20, 300)) {
      HelperProcess before = new HelperProcess(socket, pins);
      try (HelperClient client = Streams.register(socket)) {
        streams.awaitAccelerated(client, 40);
        before.kill();
      }
      try (KernelDatapath datapath =
          new KernelDatapath(
              pins, TestCgroup.mount(), Tuning.DEFAULT.withFaults(Fault.ORDER), trouble::add)) {
        assertEquals(HelperState.REFUSED, datapath.state());
        while (datapath.flows(Datapath.ALL, 100).top().stream().anyMatch(FlowView::accelerated)) {
          datapath.sweep();
        }
        assertEquals(40, datapath.flows(Datapath.ALL, 100).total());
        streams.awaitRounds(3);
      }
      streams.finish();
    }
    Pinning.remove(folder);
    Files.deleteIfExists(pins);
    assertEquals(List.of(), trouble);
  }

  @ParameterizedTest
  @CsvSource({
    "ENROL, enrolment, a pair is not enrolled",
    "ORDER, order, is another one",
    "PAUSE, order, messages are not redirected as the verdict decides",
    "LOST, order, 1 of 1 bytes did not arrive",
    "PASS, order, nothing is redirected",
    "READER, blocked-reader, a reader that was blocked at enrolment is not woken",
    "WAKE, selector, redirected bytes do not wake a selector",
    "LARGE, selector, a message is not redirected though the flow is",
    "HALF_CLOSE, half-close, a write after shutdown",
    "END, half-close, no end of stream",
    "BACK_PRESSURE, back-pressure, holds nobody",
    "WRITABLE, back-pressure, a sender that is held counts as writable",
    "HELD, back-pressure, is not writable again",
    "AVAILABLE, available, came by TCP: 0 are said to be there of 1000",
    "UNREAD, available, redirected bytes: 0 are said to be there of 1000",
    "BOTH, available, bytes in both queues: 500 are said to be there of 1500",
    "UNENROL, un-enrolment, is another one",
    "STAY, un-enrolment, a socket with an empty queue cannot be taken off",
  })
  void aKernelThatDoesItWrongIsRefusedWithTheReason(Fault fault, String name, String detail)
      throws Exception {
    Path pins = Pinning.newFolder();
    List<String> trouble = new ArrayList<>();
    try (Testbed.Pair pair = Testbed.Pair.open("127.0.0.1");
        KernelDatapath datapath =
            new KernelDatapath(
                pins,
                TestCgroup.mount(),
                Tuning.DEFAULT.withTakeEvery(true).withFaults(fault),
                trouble::add)) {
      Map<String, Probe> probes =
          datapath.probes().stream().collect(Collectors.toMap(Probe::name, p -> p));
      assertEquals(Outcome.FAILED, probes.get(name).outcome(), probes::toString);
      assertTrue(probes.get(name).detail().replace(",", "").contains(detail), probes::toString);
      assertRefused(datapath, pair);
    }
    Files.deleteIfExists(pins);
    assertEquals(List.of(), trouble);
  }

  /** Its own connections are made over loopback: where all is lost there, the first one hangs. */
  @Test
  void aProbeThatHangsIsEndedAndTheKernelRefused() throws Exception {
    Path pins = Pinning.newFolder();
    List<String> trouble = new ArrayList<>();
    Duration limit = Duration.ofSeconds(1);
    Tuning tuning = Tuning.DEFAULT.withTakeEvery(true).withProbeLimit(limit);
    try (Testbed.Pair pair = Testbed.Pair.open("127.0.0.1");
        Namespace hole = new Namespace();
        NetNamespace inside = hole.open()) {
      hole.hold();
      hole.set("net/ipv4/tcp_syn_retries", 120); // a minute, at two in a second
      // The probe's thread comes to be where this one is, and stays.
      try (KernelDatapath datapath =
          inside.run(() -> new KernelDatapath(pins, TestCgroup.mount(), tuning, trouble::add))) {
        assertEquals(
            List.of(new Probe("time", Outcome.FAILED, "it did not end within 1000 ms")),
            datapath.probes());
        assertRefused(datapath, pair);
        long end = System.nanoTime() + Testbed.PATIENCE.toNanos();
        while (Thread.getAllStackTraces().keySet().stream()
            .anyMatch(t -> t.getName().equals("underpass-probe"))) {
          assertTrue(System.nanoTime() < end, "its thread is left, and its programs");
          Thread.sleep(5);
        }
      }
    }
    Files.deleteIfExists(pins);
    assertEquals(List.of(), trouble);
  }

  /** All goes by TCP, and everybody is told why. */
  private static void assertRefused(KernelDatapath datapath, Testbed.Pair pair) throws Exception {
    assertEquals(HelperState.REFUSED, datapath.state());
    assertTrue(datapath.reason().startsWith("the kernel failed the probe of "));
    long ticks = PeerProcess.parseStartTicks(Files.readString(Path.of("/proc/self/stat")));
    Registration self = new Registration(1, (int) ProcessHandle.current().pid(), ticks, 0);
    datapath.admit(self);
    EnrolmentTest.exchange(pair, 50);
    datapath.sweep();
    EnrolmentTest.exchange(pair, 50);
    List<FlowView> flows = datapath.flows(self.id(), 10).top();
    assertFalse(flows.isEmpty());
    for (FlowView flow : flows) {
      assertFalse(flow.accelerated(), flow::toString);
      assertEquals(Reason.PAUSED, flow.reason());
    }
    assertEquals(0, datapath.totals(self).bytesRedirected());
  }
}
