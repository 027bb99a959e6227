/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.behaviour;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketOption;
import java.nio.ByteBuffer;
import java.nio.channels.NetworkChannel;

/** Streams of a {@code Socket}. */
final class SocketEnd implements End {
  private final Socket socket;

  SocketEnd(Socket socket) {
    this.socket = socket;
  }

  @Override
  public int write(ByteBuffer from) throws IOException {
    int count = from.remaining();
    if (from.hasArray()) {
      socket.getOutputStream().write(from.array(), from.arrayOffset() + from.position(), count);
      from.position(from.limit());
    } else {
      byte[] bytes = new byte[count];
      from.get(bytes);
      socket.getOutputStream().write(bytes);
    }
    return count;
  }

  @Override
  public int read(ByteBuffer into) throws IOException {
    int n =
        socket
            .getInputStream()
            .read(into.array(), into.arrayOffset() + into.position(), into.remaining());
    if (n > 0) {
      into.position(into.position() + n);
    }
    return n;
  }

  @Override
  public int read(ByteBuffer into, int timeoutMillis) throws IOException {
    socket.setSoTimeout(timeoutMillis);
    try {
      return read(into);
    } finally {
      if (!socket.isClosed()) {
        socket.setSoTimeout(0);
      }
    }
  }

  @Override
  public void shutdownOutput() throws IOException {
    socket.shutdownOutput();
  }

  @Override
  public void shutdownInput() throws IOException {
    socket.shutdownInput();
  }

  @Override
  public <T> void set(SocketOption<T> option, T value) throws IOException {
    socket.setOption(option, value);
  }

  @Override
  public <T> T get(SocketOption<T> option) throws IOException {
    return socket.getOption(option);
  }

  @Override
  public InetSocketAddress local() {
    return (InetSocketAddress) socket.getLocalSocketAddress();
  }

  @Override
  public InetSocketAddress remote() {
    return (InetSocketAddress) socket.getRemoteSocketAddress();
  }

  @Override
  public Socket socket() {
    return socket;
  }

  @Override
  public NetworkChannel channel() {
    return null;
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
