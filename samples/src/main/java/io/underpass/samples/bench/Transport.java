/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import java.io.Closeable;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;

/**
 * How two JVMs are joined, and through which of Java's interfaces. An address is a port, or a path;
 * {@code capacity} is the size of a link's buffer in bytes.
 */
enum Transport {
  /** TCP over loopback, by {@link Socket}. */
  SOCKET {
    @Override
    Listener listen(String address, int capacity) throws IOException {
      ServerSocket server = new ServerSocket(0, BACKLOG, InetAddress.getLoopbackAddress());
      return new Listener(
          Integer.toString(server.getLocalPort()),
          () -> new SocketLink(server.accept(), capacity),
          server);
    }

    @Override
    Link connect(String address, int capacity) throws IOException {
      return new SocketLink(
          new Socket(InetAddress.getLoopbackAddress(), Integer.parseInt(address)), capacity);
    }
  },

  /** TCP over loopback, by {@link SocketChannel}. */
  CHANNEL {
    @Override
    Listener listen(String address, int capacity) throws IOException {
      return listenBy(channel -> new ChannelLink(channel, capacity));
    }

    @Override
    Link connect(String address, int capacity) throws IOException {
      return new ChannelLink(open(address), capacity);
    }
  },

  /** TCP over loopback, by a non-blocking {@link SocketChannel} with a selector. */
  SELECTOR {
    @Override
    Listener listen(String address, int capacity) throws IOException {
      return listenBy(channel -> new SelectorLink(channel, capacity));
    }

    @Override
    Link connect(String address, int capacity) throws IOException {
      return new SelectorLink(open(address), capacity);
    }
  },

  /** UNIX-domain stream socket, the reference: Java offers it by {@link SocketChannel} only. */
  UNIX {
    @Override
    Listener listen(String address, int capacity) throws IOException {
      ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
      server.bind(UnixDomainSocketAddress.of(address), BACKLOG);
      return new Listener(address, () -> new ChannelLink(server.accept(), capacity), server);
    }

    @Override
    Link connect(String address, int capacity) throws IOException {
      return new ChannelLink(SocketChannel.open(UnixDomainSocketAddress.of(address)), capacity);
    }
  };

  private static final int BACKLOG = 50;

  /** Listens; {@code address} is the path to use, and of no meaning for TCP. */
  abstract Listener listen(String address, int capacity) throws IOException;

  abstract Link connect(String address, int capacity) throws IOException;

  /** Makes a link of a channel. */
  @FunctionalInterface
  private interface Wrap {
    Link link(SocketChannel channel) throws IOException;
  }

  private static Listener listenBy(Wrap wrap) throws IOException {
    ServerSocketChannel server = ServerSocketChannel.open();
    server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), BACKLOG);
    InetSocketAddress bound = (InetSocketAddress) server.getLocalAddress();
    return new Listener(
        Integer.toString(bound.getPort()), () -> wrap.link(withoutDelay(server.accept())), server);
  }

  private static SocketChannel open(String address) throws IOException {
    SocketAddress server =
        new InetSocketAddress(InetAddress.getLoopbackAddress(), Integer.parseInt(address));
    return withoutDelay(SocketChannel.open(server));
  }

  private static SocketChannel withoutDelay(SocketChannel channel) throws IOException {
    return channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
  }

  /** Waits for the next connection. */
  @FunctionalInterface
  interface Accept {
    Link next() throws IOException;
  }

  /** A listening end. */
  static final class Listener implements Closeable {

    private final String address;
    private final Accept accept;
    private final Closeable socket;

    /** Set by whoever closes, before the thread that accepts fails by it. */
    private volatile boolean closed;

    Listener(String address, Accept accept, Closeable socket) {
      this.address = address;
      this.accept = accept;
      this.socket = socket;
    }

    /** {@return where to connect to} */
    String address() {
      return address;
    }

    Accept accept() {
      return accept;
    }

    boolean isClosed() {
      return closed;
    }

    @Override
    public void close() throws IOException {
      closed = true;
      socket.close();
    }
  }
}
