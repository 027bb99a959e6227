/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.behaviour;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;

/** A blocking {@code SocketChannel}; reads with a timeout go through its adaptor. */
class ChannelEnd extends NetworkEnd<SocketChannel> {
  ChannelEnd(SocketChannel channel) {
    super(channel);
  }

  @Override
  public int write(ByteBuffer from) throws Exception {
    return channel.write(from);
  }

  @Override
  public int read(ByteBuffer into) throws Exception {
    return channel.read(into);
  }

  @Override
  public int read(ByteBuffer into, int timeoutMillis) throws Exception {
    return new SocketEnd(channel.socket()).read(into, timeoutMillis);
  }

  @Override
  public void shutdownOutput() throws IOException {
    channel.shutdownOutput();
  }

  @Override
  public void shutdownInput() throws IOException {
    channel.shutdownInput();
  }

  @Override
  public InetSocketAddress remote() throws IOException {
    return (InetSocketAddress) channel.getRemoteAddress();
  }

  @Override
  public Socket socket() {
    return channel.socket();
  }
}
