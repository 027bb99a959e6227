/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import io.underpass.datapath.KernelSource;
import io.underpass.ffm.BpfMap;
import io.underpass.helper.Helper;
import io.underpass.kernel.BuiltObject;
import io.underpass.protocol.FlowView;
import io.underpass.protocol.HelperClient;
import io.underpass.protocol.Totals;
import io.underpass.service.HelperConfig;
import io.underpass.testing.Pinning;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;

/**
 * A helper of the test's own, in this JVM, with this JVM registered: both ends of every connection
 * that a test makes are candidates.
 */
final class Testbed implements AutoCloseable {
  static final Duration PATIENCE = Duration.ofSeconds(20);

  private final Path folder;
  final Helper helper;
  final HelperClient client;

  Testbed(boolean takeEvery) throws IOException {
    this(config -> config.withTakeEvery(takeEvery));
  }

  /**
   * @param changes what the test wants of its helper
   */
  Testbed(UnaryOperator<HelperConfig> changes) throws IOException {
    folder = Files.createTempDirectory("underpass-test");
    helper =
        Helper.start(
            changes.apply(
                HelperConfig.defaults()
                    .withSocket(folder.resolve("helper.sock"))
                    .withBpffs(Pinning.newFolder())),
            new KernelSource());
    client = HelperClient.connect(helper.socket(), PATIENCE);
    client.register("on").orThrow();
  }

  /** A connected pair over loopback; the caller closes both. */
  record Pair(SocketChannel client, SocketChannel server) implements AutoCloseable {
    static Pair open(String address) throws IOException {
      return openUnasked(address).join();
    }

    /** A connection that the helper does not know: neither end has asked yet. */
    static Pair openUnasked(String address) throws IOException {
      try (ServerSocketChannel listener = ServerSocketChannel.open()) {
        listener.bind(new InetSocketAddress(address, 0));
        SocketChannel client = SocketChannel.open(listener.getLocalAddress());
        return new Pair(client, listener.accept());
      }
    }

    /** Both ends, where this JVM is registered; later: tends them, as an agent does. */
    Pair join() throws IOException {
      Joining.join(client);
      Joining.join(server);
      return this;
    }

    @Override
    public void close() throws IOException {
      client.close();
      server.close();
    }
  }

  /** A class of these tests as a process of its own, with the same class path. */
  static Process java(Class<?> main, String... arguments) throws IOException {
    return java(main, List.of(), List.of(), arguments);
  }

  /**
   * @param through a command that runs another, such as {@code ip netns exec <name>}
   * @param options of the JVM
   */
  static Process java(
      Class<?> main, List<String> through, List<String> options, String... arguments)
      throws IOException {
    List<String> command = new ArrayList<>(through);
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    // For the descriptors of channels.
    command.add("--enable-native-access=ALL-UNNAMED");
    command.add("--add-opens=java.base/sun.nio.ch=ALL-UNNAMED");
    command.addAll(options);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
    command.addAll(List.of(arguments));
    return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
  }

  Totals totals() throws IOException {
    return client.totals();
  }

  /** The flow whose local end this socket is. */
  FlowView flowOf(SocketChannel channel) throws IOException {
    return flowOf(client, channel).orElseThrow(() -> new AssertionError("no flow of " + channel));
  }

  private static Optional<FlowView> flowOf(HelperClient client, SocketChannel channel)
      throws IOException {
    int local = ((InetSocketAddress) channel.getLocalAddress()).getPort();
    int remote = ((InetSocketAddress) channel.getRemoteAddress()).getPort();
    return client.flows(1000).stream()
        .filter(f -> f.local().endsWith(":" + local) && f.remote().endsWith(":" + remote))
        .findFirst();
  }

  /** How many sockets are enrolled, by the map that is pinned in this folder. */
  static int members(Path pins) throws IOException {
    int count = 0;
    try (BpfMap members =
        BpfMap.openPinned(BuiltObject.DATAPATH.pinFolder(pins).resolve("members"))) {
      ByteBuffer key = members.newKey();
      for (boolean more = members.nextKey(null, key); more; more = members.nextKey(key, key)) {
        count++;
      }
    }
    return count;
  }

  /** Sweeps until the flow is as wanted. */
  FlowView await(SocketChannel channel, Predicate<FlowView> wanted)
      throws IOException, InterruptedException {
    return await(client, helper::sweep, channel, wanted);
  }

  /**
   * Waits until the flow is there, and as wanted.
   *
   * @param step what is done before each look; a helper in a process of its own sweeps by itself
   */
  static FlowView await(
      HelperClient client, Runnable step, SocketChannel channel, Predicate<FlowView> wanted)
      throws IOException, InterruptedException {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (true) {
      step.run();
      Optional<FlowView> flow = flowOf(client, channel);
      if (flow.filter(wanted).isPresent()) {
        return flow.get();
      }
      if (System.nanoTime() > end) {
        throw new AssertionError("still not as wanted: " + flow);
      }
      Thread.sleep(5);
    }
  }

  /** Until the flow is there, and as wanted; the helper sweeps by itself. */
  static FlowView await(HelperClient client, SocketChannel channel, Predicate<FlowView> wanted)
      throws IOException, InterruptedException {
    return await(client, () -> {}, channel, wanted);
  }

  /** Sweeps until both ends of a pair may be redirected to, and gives both room. */
  void awaitAccelerated(Pair pair) throws IOException, InterruptedException {
    await(pair.client(), FlowView::accelerated);
    await(pair.server(), FlowView::accelerated);
    pair.join();
  }

  @Override
  public void close() throws IOException {
    client.close();
    helper.close();
    Files.deleteIfExists(folder);
  }
}
