/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.underpass.Reason;
import io.underpass.datapath.KernelSource;
import io.underpass.helper.Helper;
import io.underpass.protocol.FlowView;
import io.underpass.protocol.HelperClient;
import io.underpass.service.HelperConfig;
import io.underpass.testing.KernelTest;
import io.underpass.testing.Pinning;
import java.io.IOException;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Only the connections between processes that trust each other are accelerated. */
@KernelTest
@Timeout(60)
class TrustTest {
  private static final int ROUNDS = 40;

  /** The first process of a pid namespace of its own. */
  private static final List<String> CONTAINER = List.of("unshare", "--pid", "--fork");

  private final Path pins = Pinning.newFolder();
  private Path folder;

  @BeforeEach
  void makeFolder() throws IOException {
    folder = Tenants.newFolder();
  }

  @AfterEach
  void removeFolder() throws IOException {
    Files.deleteIfExists(folder.resolve("policy"));
    Files.delete(folder);
  }

  @Test
  void twoUsersAreStrangers() throws Exception {
    meet(Tenants.readerAs(Tenants.ONE), Reason.UNTRUSTED);
  }

  @ParameterizedTest
  @ValueSource(strings = {"trust uid 0 2001", "trust all", "trust uid 5 6\ntrust uid 2001 7 0"})
  void aLineOfThePolicyBringsThemTogether(String lines) throws Exception {
    meet(Tenants.readerAs(Tenants.ONE), Reason.NONE, lines.split("\n"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"trust uid 0 2002", "trust uid 2001 2002\ntrust uid 0", "trust group x"})
  void aLineForOthersDoesNot(String lines) throws Exception {
    meet(Tenants.readerAs(Tenants.ONE), Reason.UNTRUSTED, lines.split("\n"));
  }

  @Test
  void oneUserInTwoContainersIsTwo() throws Exception {
    meet(CONTAINER, Reason.UNTRUSTED);
  }

  @Test
  void oneUserInTwoContainersIsOneByALine() throws Exception {
    meet(CONTAINER, Reason.NONE, "trust uid 0");
  }

  @Test
  void oneUserInAnotherUserNamespaceIsAnother() throws Exception {
    meet(List.of("unshare", "--user", "--map-root-user"), Reason.UNTRUSTED);
  }

  /** An exchange of this process, which is root's, with another one. */
  private void meet(List<String> other, Reason wanted, String... lines) throws Exception {
    HelperConfig config = config(lines);
    try (Helper helper = Helper.start(config, new KernelSource());
        HelperClient client = register(config.socket());
        Sink sink = new Sink(other, config.socket(), 1);
        SocketChannel channel = sink.connect()) {
      exchange(sink, channel);
      FlowView flow =
          Testbed.await(
              client,
              channel,
              f -> f.reason() == wanted && f.accelerated() == (wanted == Reason.NONE));
      exchange(sink, channel);
      FlowView after = Testbed.await(client, channel, _ -> true);
      assertEquals(
          wanted == Reason.NONE, after.accelerated(), () -> flow + " before, then " + after);
      if (wanted != Reason.NONE) {
        assertEquals(0, helper.flows(10).stream().mapToLong(TrustTest::redirected).sum());
      }
    }
  }

  private static long redirected(FlowView flow) {
    return flow.tx().redirectedBytes() + flow.rx().redirectedBytes();
  }

  private HelperConfig config(String... lines) throws IOException {
    return HelperConfig.defaults()
        .withSocket(folder.resolve("helper.sock"))
        .withPolicyFile(Tenants.policy(folder, lines))
        .withBpffs(pins)
        .withTakeEvery(true);
  }

  private static HelperClient register(Path socket) throws IOException {
    HelperClient client = HelperClient.connect(socket, Testbed.PATIENCE);
    client.register("on").orThrow();
    return client;
  }

  private static void exchange(Sink sink, SocketChannel channel) throws IOException {
    sink.exchange(new ArrayList<>(List.of(channel)), ROUNDS);
  }
}
