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
      ServerSocketChannel server = ServerSocketChannel.open();
      server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), BACKLOG);
      InetSocketAddress bound = (InetSocketAddress) server.getLocalAddress();
      return new Listener(
          Integer.toString(bound.getPort()), () -> withoutDelay(server.accept(), capacity), server);
    }

    @Override
    Link connect(String address, int capacity) throws IOException {
      SocketAddress server =
          new InetSocketAddress(InetAddress.getLoopbackAddress(), Integer.parseInt(address));
      return withoutDelay(SocketChannel.open(server), capacity);
    }

    private Link withoutDelay(SocketChannel channel, int capacity) throws IOException {
      return new ChannelLink(channel.setOption(StandardSocketOptions.TCP_NODELAY, true), capacity);
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

  /** Waits for the next connection. */
  @FunctionalInterface
  interface Accept {
    Link next() throws IOException;
  }

  /**
   * A listening end.
   *
   * @param address to connect to
   */
  record Listener(String address, Accept accept, Closeable socket) implements Closeable {
    @Override
    public void close() throws IOException {
      socket.close();
    }
  }
}
