/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.behaviour;

import java.io.Closeable;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.channels.AsynchronousServerSocketChannel;
import java.nio.channels.AsynchronousSocketChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.concurrent.TimeUnit;

/** How a program uses TCP. */
public enum Api {
  SOCKET,
  CHANNEL,
  SELECTOR,
  ASYNC,
  /** Virtual threads: a {@code Socket} connects, a blocking channel accepts. */
  VIRTUAL;

  /** Something that accepts. */
  interface Listener extends Closeable {
    End accept() throws Exception;

    InetSocketAddress address() throws IOException;
  }

  Thread.Builder threads() {
    return this == VIRTUAL ? Thread.ofVirtual() : Thread.ofPlatform().daemon();
  }

  /**
   * Connects.
   *
   * @param from where it is bound before; null for anywhere
   */
  End connect(InetSocketAddress from, InetSocketAddress to, int timeoutMillis) throws Exception {
    return switch (this) {
      case SOCKET, VIRTUAL -> {
        Socket socket = new Socket();
        try {
          socket.bind(from);
          socket.connect(to, timeoutMillis);
          yield new SocketEnd(socket);
        } catch (IOException e) {
          socket.close();
          throw e;
        }
      }
      case CHANNEL -> {
        SocketChannel channel = SocketChannel.open();
        try {
          channel.bind(from);
          channel.socket().connect(to, timeoutMillis);
          yield new ChannelEnd(channel);
        } catch (IOException e) {
          channel.close();
          throw e;
        }
      }
      case SELECTOR -> {
        SocketChannel channel = SocketChannel.open();
        try {
          channel.bind(from);
          connectSelecting(channel, to, timeoutMillis);
          yield new SelectorEnd(channel);
        } catch (IOException e) {
          channel.close();
          throw e;
        }
      }
      case ASYNC -> {
        AsynchronousSocketChannel channel = AsynchronousSocketChannel.open();
        try {
          channel.bind(from);
          channel.connect(to).get(timeoutMillis, TimeUnit.MILLISECONDS);
          yield new AsyncEnd(channel);
        } catch (Exception e) {
          channel.close();
          throw e;
        }
      }
    };
  }

  private static void connectSelecting(SocketChannel channel, InetSocketAddress to, int timeout)
      throws IOException {
    channel.configureBlocking(false);
    if (channel.connect(to)) {
      return;
    }
    try (Selector selector = Selector.open()) {
      channel.register(selector, SelectionKey.OP_CONNECT);
      if (selector.select(timeout) == 0) {
        throw new SocketTimeoutException("not connectable");
      }
      channel.finishConnect();
    }
  }

  Listener listen(InetSocketAddress at, int backlog) throws IOException {
    return switch (this) {
      case SOCKET -> new SocketListener(at, backlog);
      case CHANNEL, VIRTUAL -> new ChannelListener(at, backlog, null);
      case SELECTOR -> new ChannelListener(at, backlog, Selector.open());
      case ASYNC -> new AsyncListener(at, backlog);
    };
  }

  private static final class SocketListener implements Listener {
    private final ServerSocket socket = new ServerSocket();

    SocketListener(InetSocketAddress at, int backlog) throws IOException {
      socket.bind(at, backlog);
    }

    @Override
    public End accept() throws IOException {
      return new SocketEnd(socket.accept());
    }

    @Override
    public InetSocketAddress address() {
      return (InetSocketAddress) socket.getLocalSocketAddress();
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }
  }

  private static final class ChannelListener implements Listener {
    private final ServerSocketChannel channel = ServerSocketChannel.open();
    private final Selector selector;

    /** With a selector: in non-blocking mode. */
    ChannelListener(InetSocketAddress at, int backlog, Selector selector) throws IOException {
      this.selector = selector;
      channel.bind(at, backlog);
      if (selector != null) {
        channel.configureBlocking(false);
        channel.register(selector, SelectionKey.OP_ACCEPT);
      }
    }

    @Override
    public End accept() throws IOException {
      if (selector == null) {
        return new ChannelEnd(channel.accept());
      }
      SocketChannel accepted;
      while ((accepted = channel.accept()) == null) {
        selector.select();
        selector.selectedKeys().clear();
      }
      return new SelectorEnd(accepted);
    }

    @Override
    public InetSocketAddress address() throws IOException {
      return (InetSocketAddress) channel.getLocalAddress();
    }

    @Override
    public void close() throws IOException {
      channel.close();
      if (selector != null) {
        selector.close();
      }
    }
  }

  private static final class AsyncListener implements Listener {
    private final AsynchronousServerSocketChannel channel = AsynchronousServerSocketChannel.open();

    AsyncListener(InetSocketAddress at, int backlog) throws IOException {
      channel.bind(at, backlog);
    }

    @Override
    public End accept() throws Exception {
      return new AsyncEnd(channel.accept().get());
    }

    @Override
    public InetSocketAddress address() throws IOException {
      return (InetSocketAddress) channel.getLocalAddress();
    }

    @Override
    public void close() throws IOException {
      channel.close();
    }
  }
}
