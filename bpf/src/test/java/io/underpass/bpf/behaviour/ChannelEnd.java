package io.underpass.bpf.behaviour;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketOption;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;

/** A blocking {@code SocketChannel}; reads with a timeout go through its adaptor. */
class ChannelEnd implements End {
  final SocketChannel channel;

  ChannelEnd(SocketChannel channel) {
    this.channel = channel;
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
  public <T> void set(SocketOption<T> option, T value) throws IOException {
    channel.setOption(option, value);
  }

  @Override
  public <T> T get(SocketOption<T> option) throws IOException {
    return channel.getOption(option);
  }

  @Override
  public InetSocketAddress local() throws IOException {
    return (InetSocketAddress) channel.getLocalAddress();
  }

  @Override
  public InetSocketAddress remote() throws IOException {
    return (InetSocketAddress) channel.getRemoteAddress();
  }

  @Override
  public Socket socket() {
    return channel.socket();
  }

  @Override
  public SocketChannel channel() {
    return channel;
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
