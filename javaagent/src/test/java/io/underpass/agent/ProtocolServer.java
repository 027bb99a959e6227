/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent;

import io.underpass.protocol.ErrorCode;
import io.underpass.protocol.FlowView;
import io.underpass.protocol.LineBuffer;
import io.underpass.protocol.Reply;
import io.underpass.protocol.Request;
import io.underpass.protocol.SocketOptions;
import io.underpass.protocol.Totals;
import io.underpass.protocol.Wire;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;

/** Speaks the helper's protocol over a real socket, and has nothing behind it. */
final class ProtocolServer implements AutoCloseable {
  /** Each registration that came. */
  final BlockingQueue<Request> registrations = new LinkedBlockingQueue<>();

  /** How often it was told to look again. */
  final AtomicInteger claims = new AtomicInteger();

  /** What is answered; null to answer as a helper does. */
  volatile Reply toRegister;

  /** What is answered to a registration with a port group; null for the same. */
  volatile Reply toGroup;

  volatile boolean silent;
  volatile Totals totals = Totals.ZERO;
  volatile List<FlowView> flows = List.of();

  private final Path socket;
  private final int level;
  private final ServerSocketChannel listener;
  private final Queue<SocketChannel> connections = new ConcurrentLinkedQueue<>();

  ProtocolServer(Path socket) throws IOException {
    this(socket, SocketOptions.LEVEL);
  }

  /** With the level that registrations are told. */
  ProtocolServer(Path socket, int level) throws IOException {
    this.socket = socket;
    this.level = level;
    listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    listener.bind(UnixDomainSocketAddress.of(socket));
    Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-rw-rw-"));
    Thread.startVirtualThread(this::serve);
  }

  Path socket() {
    return socket;
  }

  /** Goes away, as a helper does that is killed. */
  @Override
  public void close() throws IOException {
    listener.close();
    for (SocketChannel connection : connections) {
      connection.close();
    }
    Files.deleteIfExists(socket);
  }

  private void serve() {
    try {
      while (true) {
        SocketChannel connection = listener.accept();
        connections.add(connection);
        Thread.startVirtualThread(() -> serve(connection));
      }
    } catch (IOException e) {
      // Closed.
    }
  }

  private void serve(SocketChannel connection) {
    LineBuffer lines = new LineBuffer(Wire.MAX_REQUEST);
    ByteBuffer in = ByteBuffer.allocate(Wire.MAX_REQUEST);
    try (connection) {
      while (connection.read(in) >= 0) {
        in.flip();
        for (String line = lines.next(in); line != null; line = lines.next(in)) {
          Reply reply = answer(Request.parse(line));
          if (!silent) {
            connection.write(ByteBuffer.wrap(reply.toBytes()));
          }
          if (reply.code() != null) {
            return;
          }
        }
        in.clear();
      }
    } catch (IOException e) {
      // Closed, by whomever.
    }
  }

  private Reply answer(Request request) {
    return switch (request.verb()) {
      case REGISTER -> {
        registrations.add(request);
        Map<String, String> fields =
            new HashMap<>(Map.of("id", "7", "proto", "1", "helper", "0.1.0", "level", "" + level));
        if (request.fields().containsKey("group")) {
          fields.put("group", request.fields().get("group"));
          fields.put("identity", "");
        }
        if (toGroup != null && request.fields().containsKey("group")) {
          yield toGroup;
        }
        yield toRegister != null ? toRegister : Reply.ok(fields);
      }
      case CLAIM -> {
        claims.incrementAndGet();
        yield Reply.ok(Map.of());
      }
      case TOTALS -> Reply.ok(totals.toWire());
      case FLOWS ->
          Reply.ok(
              Map.of("total", Integer.toString(flows.size())),
              flows.stream().limit(request.limit()).map(FlowView::toWire).toList());
      case PORTS -> Reply.ok(Map.of("total", "0"));
      case DATAGRAMS -> Reply.ok(Map.of());
      case STATUS, DRAIN -> Reply.error(ErrorCode.INTERNAL, "not here");
    };
  }
}
