/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import java.io.Closeable;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;

/**
 * An event loop: one thread accepts any number of connections and answers each message by itself.
 */
final class FlowsServer implements Closeable {

  private static final int BACKLOG = 1024;

  private final Selector selector = Selector.open();
  private final ServerSocketChannel listener = ServerSocketChannel.open();

  /** Bytes of a message. */
  private final int size;

  /** Starts to listen. */
  FlowsServer(int size) throws IOException {
    this.size = size;
    listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), BACKLOG);
    listener.configureBlocking(false);
    listener.register(selector, SelectionKey.OP_ACCEPT);
    Thread.ofPlatform().daemon().name("flows").start(this::run);
  }

  /** {@return the port to connect to} */
  String address() throws IOException {
    return Integer.toString(((InetSocketAddress) listener.getLocalAddress()).getPort());
  }

  private void run() {
    try {
      while (selector.isOpen()) {
        selector.select(this::serve);
      }
    } catch (ClosedSelectorException e) {
      // Closed between the question and the selection: the row is over.
    } catch (IOException e) {
      System.err.println("cannot select: " + e);
    }
  }

  private void serve(SelectionKey key) {
    try {
      if (key.isAcceptable()) {
        accept();
      } else {
        answer(key, (SocketChannel) key.channel(), (ByteBuffer) key.attachment());
      }
    } catch (IOException e) {
      close(key);
    }
  }

  private void accept() throws IOException {
    for (SocketChannel flow = listener.accept(); flow != null; flow = listener.accept()) {
      flow.setOption(StandardSocketOptions.TCP_NODELAY, true);
      flow.configureBlocking(false);
      flow.register(selector, SelectionKey.OP_READ, ByteBuffer.allocateDirect(size));
    }
  }

  /** The buffer is being filled while reads are of interest, and emptied while writes are. */
  private static void answer(SelectionKey key, SocketChannel flow, ByteBuffer message)
      throws IOException {
    if (key.isReadable()) {
      if (flow.read(message) < 0) {
        close(key);
        return;
      }
      if (message.hasRemaining()) {
        return;
      }
      message.flip();
    }
    flow.write(message);
    if (message.hasRemaining()) {
      key.interestOps(SelectionKey.OP_WRITE);
    } else {
      message.clear();
      key.interestOps(SelectionKey.OP_READ);
    }
  }

  private static void close(SelectionKey key) {
    try {
      key.channel().close();
    } catch (IOException e) {
      System.err.println("cannot close: " + e);
    }
  }

  /** Stops to listen, and closes every connection. */
  @Override
  public void close() throws IOException {
    listener.close();
    for (SelectionKey key : selector.keys()) {
      close(key);
    }
    selector.close();
  }
}
