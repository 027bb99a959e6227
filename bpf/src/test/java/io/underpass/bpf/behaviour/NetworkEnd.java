/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.behaviour;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketOption;
import java.nio.channels.NetworkChannel;

/** What the JDK's two kinds of channel have in common. */
abstract class NetworkEnd<C extends NetworkChannel> implements End {
  final C channel;

  NetworkEnd(C channel) {
    this.channel = channel;
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
  public C channel() {
    return channel;
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
