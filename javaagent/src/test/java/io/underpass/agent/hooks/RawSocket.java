/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.hooks;

import io.underpass.agent.jdk.Descriptors;
import io.underpass.agent.jdk.JavaBase;
import java.io.FileDescriptor;
import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;

/**
 * One end of a connection over loopback, by its descriptor. Without a helper, nobody answers at its
 * level of options. At that of {@code SOL_SOCKET} everything has an answer: the option that joins
 * is {@code SO_DONTROUTE}, which can be taken back, and the one that asks whether the socket is
 * enrolled {@code SO_BROADCAST}.
 */
final class RawSocket implements AutoCloseable {
  static final int SOL_SOCKET = 1;
  private static final int SO_DONTROUTE = 5;
  private static final int SO_RCVBUF = 8;
  private static final int IPPROTO_TCP = 6;
  private static final int TCP_WINDOW_CLAMP = 10;

  private final SocketChannel channel;
  private final SocketChannel other;
  private final FileDescriptor fd;
  private final MethodHandle get;
  private final MethodHandle set;

  RawSocket() throws Throwable {
    try (ServerSocketChannel listener = ServerSocketChannel.open()) {
      listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
      channel = SocketChannel.open(listener.getLocalAddress());
      other = listener.accept();
    }
    MethodHandles.Lookup impl = JavaBase.lookup("sun.nio.ch.SocketChannelImpl");
    fd =
        (FileDescriptor)
            impl.findGetter(impl.lookupClass(), "fd", FileDescriptor.class).invoke(channel);
    MethodHandles.Lookup net = JavaBase.lookup(Sockopts.NET);
    MethodType asks =
        MethodType.methodType(int.class, FileDescriptor.class, boolean.class, int.class, int.class);
    MethodType tells =
        MethodType.methodType(
            void.class,
            FileDescriptor.class,
            boolean.class,
            int.class,
            int.class,
            int.class,
            boolean.class);
    get = net.findStatic(net.lookupClass(), "getIntOption0", asks);
    set = net.findStatic(net.lookupClass(), "setIntOption0", tells);
  }

  FileDescriptor fd() {
    return fd;
  }

  int number() throws Throwable {
    return Descriptors.numberOf(fd);
  }

  /** As the table would have it. */
  SocketRecord addTo(SocketTable table) throws Throwable {
    return table.add(number(), fd, SocketRecord.Kind.CHANNEL, SocketRecord.Role.CONNECT);
  }

  /** Whether it has joined, or was tended, since this was last asked. */
  boolean takeJoined() throws Throwable {
    boolean joined = get(SOL_SOCKET, SO_DONTROUTE) != 0;
    set(SOL_SOCKET, SO_DONTROUTE, 0);
    return joined;
  }

  int receiveBuffer() throws Throwable {
    return get(SOL_SOCKET, SO_RCVBUF);
  }

  int windowClamp() throws Throwable {
    return get(IPPROTO_TCP, TCP_WINDOW_CLAMP);
  }

  void windowClamp(int bytes) throws Throwable {
    set(IPPROTO_TCP, TCP_WINDOW_CLAMP, bytes);
  }

  private int get(int level, int option) throws Throwable {
    return (int) get.invokeExact(fd, false, level, option);
  }

  private void set(int level, int option, int value) throws Throwable {
    set.invokeExact(fd, false, level, option, value, false);
  }

  @Override
  public void close() throws IOException {
    channel.close();
    other.close();
  }
}
