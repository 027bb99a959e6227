/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.helper;

import io.underpass.policy.Policy;
import io.underpass.protocol.HelperClient;
import io.underpass.protocol.Reply;
import io.underpass.service.HelperConfig;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** A control server on a real socket, over a data path that carries nothing. */
final class TestServer implements AutoCloseable {
  static final ControlServer.Limits DEFAULT = ControlServer.Limits.DEFAULT;

  private static final Duration PATIENCE = Duration.ofSeconds(20);

  final MemoryDatapath datapath;
  final List<String> log = new CopyOnWriteArrayList<>();
  final Path socket;
  final Path adminSocket;
  private final ControlServer server;
  private boolean closed;

  TestServer(Path folder) throws IOException {
    this(folder, List.of("allow uid " + uid()), DEFAULT, new MemoryDatapath(1024, 2));
  }

  TestServer(Path folder, List<String> policy, ControlServer.Limits limits, MemoryDatapath datapath)
      throws IOException {
    this(folder, policy, limits, datapath, false, true);
  }

  /**
   * @param everybody whether every user may connect
   * @param refusing whether the kernel refuses descriptors, if it can
   */
  TestServer(
      Path folder,
      List<String> policy,
      ControlServer.Limits limits,
      MemoryDatapath datapath,
      boolean everybody,
      boolean refusing)
      throws IOException {
    this.datapath = datapath;
    this.socket = folder.resolve("helper.sock");
    this.adminSocket = HelperConfig.adminSocketOf(socket);
    Audit audit = new Audit(log::add);
    Requests requests =
        new Requests(
            Policy.parse("policy", policy),
            datapath,
            new Requests.Place(Path.of("/pins"), Path.of("/cgroup"), "6.18"),
            audit,
            this::drain);
    server =
        new ControlServer(
            ControlSocket.bind(socket, everybody, refusing),
            ControlSocket.bindAdmin(adminSocket, true),
            requests,
            limits,
            audit);
    server.start();
  }

  /** As by default, but for these. */
  static ControlServer.Limits limits(
      int connections, int unregistered, Duration patience, int replyBytes) {
    return new ControlServer.Limits(
        connections, unregistered, DEFAULT.looks(), DEFAULT.processor(), patience, replyBytes);
  }

  private void drain(Connection connection, Duration wait) {
    Thread.ofPlatform()
        .start(
            () -> {
              try {
                server.answer(connection, datapath.drain(wait).toReply());
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            });
  }

  static int uid() throws IOException {
    return (int) Files.getAttribute(Path.of("/proc/self"), "unix:uid");
  }

  HelperClient client() throws IOException {
    return HelperClient.connect(socket, PATIENCE);
  }

  /** One that sees all; root's. */
  HelperClient admin() throws IOException {
    return HelperClient.connect(adminSocket, PATIENCE);
  }

  SocketChannel raw() throws IOException {
    return SocketChannel.open(UnixDomainSocketAddress.of(socket));
  }

  /** Sends the bytes and reads until the server closes; an empty answer is null. */
  Reply send(byte[] bytes, boolean finish) throws IOException {
    try (SocketChannel channel = raw()) {
      try {
        ByteBuffer out = ByteBuffer.wrap(bytes);
        while (out.hasRemaining()) {
          channel.write(out);
        }
        if (finish) {
          channel.shutdownOutput();
        }
      } catch (IOException e) {
        // The server has closed before it had all; what it said is still there to read.
      }
      return parse(readAll(channel));
    }
  }

  static String readAll(SocketChannel channel) throws IOException {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    ByteBuffer in = ByteBuffer.allocate(8192);
    try {
      while (channel.read(in.clear()) >= 0) {
        all.write(in.array(), 0, in.position());
      }
    } catch (IOException e) {
      // Reset: it closed with bytes of ours unread.
    }
    return all.toString(StandardCharsets.US_ASCII);
  }

  /** The first reply in a text; null if there is none. */
  static Reply parse(String text) throws IOException {
    Reply.Parser parser = new Reply.Parser();
    for (String line : text.split("\n", -1)) {
      if (line.isEmpty()) {
        break;
      }
      Reply reply = parser.accept(line);
      if (reply != null) {
        return reply;
      }
    }
    return null;
  }

  /** A second call does nothing. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      server.close();
    }
  }
}
