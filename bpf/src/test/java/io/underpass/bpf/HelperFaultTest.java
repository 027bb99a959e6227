package io.underpass.bpf;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.protocol.FlowView;
import io.underpass.protocol.HelperClient;
import io.underpass.testing.KernelTest;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The helper dies, comes back, and stops, under flows that know nothing of it. */
@KernelTest
class HelperFaultTest {
  private Path folder;
  private Path socket;
  private Path pins;

  @BeforeEach
  void makeFolders() throws IOException {
    folder = Files.createTempDirectory("underpass-test");
    socket = folder.resolve("helper.sock");
    pins = Pinning.newFolder();
  }

  @AfterEach
  void removeFolders() throws IOException {
    Files.deleteIfExists(folder);
    assertFalse(HelperProcess.left(pins), "pins are left");
  }

  @Test
  void flowsSurviveTheHelpersDeathAndAreAdopted() throws Exception {
    try (Testbed.Pair old = Testbed.Pair.open("127.0.0.1")) {
      HelperProcess first = new HelperProcess(socket, pins);
      try (HelperClient client = register()) {
        EnrolmentTest.exchange(old, 50);
        await(client, old.client(), FlowView::accelerated);
        first.kill();
        assertTrue(HelperProcess.left(pins), "nothing is pinned");
        EnrolmentTest.exchange(old, 500);
      }
      try (HelperProcess second = new HelperProcess(socket, pins);
          HelperClient client = register();
          Testbed.Pair young = Testbed.Pair.open("127.0.0.1")) {
        FlowView adopted = await(client, old.client(), FlowView::accelerated);
        assertTrue(adopted.tx().redirectedMessages() > 400, adopted::toString);
        EnrolmentTest.exchange(old, 50);
        EnrolmentTest.exchange(young, 50);
        await(client, young.client(), FlowView::accelerated);
        EnrolmentTest.exchange(young, 50);
        second.stop();
      }
      assertFalse(HelperProcess.left(pins), "pins are left");
      EnrolmentTest.exchange(old, 50); // by TCP again
    }
  }

  @Test
  void anOrderlyStopTakesFlowsBackInMidStream() throws Exception {
    try (Testbed.Pair pair = Testbed.Pair.open("::1")) {
      try (HelperProcess helper = new HelperProcess(socket, pins);
          HelperClient client = register()) {
        EnrolmentTest.exchange(pair, 50);
        await(client, pair.client(), FlowView::accelerated);
        Thread stop = Thread.ofPlatform().start(helper::stop);
        while (stop.isAlive()) {
          EnrolmentTest.exchange(pair, 100);
        }
      }
      EnrolmentTest.exchange(pair, 100);
    }
  }

  private HelperClient register() throws IOException {
    HelperClient client = HelperClient.connect(socket, Testbed.PATIENCE);
    client.register("on").orThrow();
    return client;
  }

  private static FlowView await(
      HelperClient client, SocketChannel channel, Predicate<FlowView> wanted)
      throws IOException, InterruptedException {
    int local = ((InetSocketAddress) channel.getLocalAddress()).getPort();
    long end = System.nanoTime() + Testbed.PATIENCE.toNanos();
    while (System.nanoTime() < end) {
      for (FlowView flow : client.flows(1000)) {
        if (flow.local().endsWith(":" + local) && wanted.test(flow)) {
          return flow;
        }
      }
      Thread.sleep(10);
    }
    throw new AssertionError("never as wanted: " + client.flows(1000));
  }
}
