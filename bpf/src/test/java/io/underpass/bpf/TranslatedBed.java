/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import io.underpass.ffm.NetNamespace;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;

/**
 * A client and a server in network namespaces of their own, and a router between them that
 * translates both addresses, as a cluster does for its services: the server sees the router, and so
 * does the client.
 */
final class TranslatedBed implements AutoCloseable {
  private static final String CLIENT = "10.199.8.2";
  private static final String CLIENT_SIDE = "10.199.8.1";
  private static final String SERVER = "10.199.8.6";
  private static final String SERVER_SIDE = "10.199.8.5";
  private static final String SERVICE = "10.199.9.1";
  private static final int PORT = 80;

  private static final String RULES =
      """
      table ip nat {
        chain before { type nat hook prerouting priority -100; ip daddr %s dnat to %s; }
        chain after { type nat hook postrouting priority 100; masquerade; }
      }
      """
          .formatted(SERVICE, SERVER);

  private final Namespace client = new Namespace();
  private final Namespace server = new Namespace();
  private final Namespace router = new Namespace();

  /**
   * @param forgotten seconds after which the router forgets a connection of which it saw nothing
   */
  TranslatedBed(int forgotten) throws IOException, InterruptedException {
    try {
      join(client, CLIENT, CLIENT_SIDE, "client0");
      join(server, SERVER, SERVER_SIDE, "server0");
      router.set("net/ipv4/ip_forward", 1);
      Namespace.run("ip", "netns", "exec", router.name, "nft", RULES);
      router.set("net/netfilter/nf_conntrack_tcp_timeout_established", forgotten);
    } catch (IOException | InterruptedException e) {
      close();
      throw e;
    }
  }

  /** Joins a namespace to the router, by which it reaches all. */
  private void join(Namespace namespace, String address, String side, String device)
      throws IOException, InterruptedException {
    Namespace.run(
        "ip",
        "link",
        "add",
        "up0",
        "netns",
        namespace.name,
        "type",
        "veth",
        "peer",
        device,
        "netns",
        router.name);
    Namespace.run("ip", "-n", namespace.name, "addr", "add", address + "/30", "dev", "up0");
    Namespace.run("ip", "-n", namespace.name, "link", "set", "up0", "up");
    Namespace.run("ip", "-n", router.name, "addr", "add", side + "/30", "dev", device);
    Namespace.run("ip", "-n", router.name, "link", "set", device, "up");
    Namespace.run("ip", "-n", namespace.name, "route", "add", "default", "via", side);
  }

  /** A connection of which both ends are this process's; the caller closes both. */
  Testbed.Pair connect() throws IOException, InterruptedException {
    try (NetNamespace here = client.open();
        NetNamespace there = server.open();
        ServerSocketChannel listener = there.run(TranslatedBed::listen)) {
      SocketChannel channel =
          here.run(() -> SocketChannel.open(new InetSocketAddress(SERVICE, PORT)));
      return new Testbed.Pair(channel, listener.accept());
    }
  }

  private static ServerSocketChannel listen() throws IOException {
    return ServerSocketChannel.open().bind(new InetSocketAddress(SERVER, PORT));
  }

  @Override
  public void close() throws IOException {
    try (client;
        server;
        router) {
      // With them go their devices, and what the router remembers.
    }
  }
}
