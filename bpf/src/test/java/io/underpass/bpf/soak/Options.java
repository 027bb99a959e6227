/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.soak;

import io.underpass.protocol.SocketOptions;
import java.io.FileDescriptor;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.channels.SocketChannel;

/** The socket options by which the agent speaks with the programs (bpf/options.bpf.h). */
final class Options {
  private static final Method FD;
  private static final Method FD_NUMBER;
  private static final Method GET;
  private static final Method SET;

  static {
    try {
      Class<?> channel = Class.forName("sun.nio.ch.SelChImpl");
      Class<?> net = Class.forName("sun.nio.ch.Net");
      FD = open(channel.getMethod("getFD"));
      FD_NUMBER = open(channel.getMethod("getFDVal"));
      Class<?> fd = FileDescriptor.class;
      GET = open(net.getDeclaredMethod("getIntOption0", fd, boolean.class, int.class, int.class));
      SET =
          open(
              net.getDeclaredMethod(
                  "setIntOption0",
                  fd,
                  boolean.class,
                  int.class,
                  int.class,
                  int.class,
                  boolean.class));
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private Options() {}

  private static Method open(Method method) {
    method.setAccessible(true);
    return method;
  }

  static int fd(SocketChannel channel) {
    try {
      return (int) FD_NUMBER.invoke(channel);
    } catch (ReflectiveOperationException e) {
      throw new LinkageError(e.getMessage(), e);
    }
  }

  /** False if nobody answers: the socket has no record. */
  static boolean pinTcp(SocketChannel channel) {
    return call(SET, channel, false, SocketOptions.LEVEL, SocketOptions.PIN_TCP, 1, false) != null;
  }

  /** Bytes that can be read at once; -1 where the socket is not enrolled. */
  static int available(SocketChannel channel) {
    return get(channel, SocketOptions.AVAILABLE);
  }

  /** Bytes in the psock queue; 0 or less if there are none, or nobody answers. */
  static int unread(SocketChannel channel) {
    return get(channel, SocketOptions.UNREAD);
  }

  private static int get(SocketChannel channel, int option) {
    Object answer = call(GET, channel, false, SocketOptions.LEVEL, option);
    return answer instanceof Integer value ? value : -1;
  }

  /** Null where the kernel does not know the option, or nothing of ours answers. */
  private static Object call(Method method, SocketChannel channel, Object... arguments) {
    try {
      Object[] all = new Object[arguments.length + 1];
      all[0] = FD.invoke(channel);
      System.arraycopy(arguments, 0, all, 1, arguments.length);
      Object answer = method.invoke(null, all);
      return answer == null ? true : answer;
    } catch (InvocationTargetException e) {
      if (e.getCause() instanceof IOException) {
        return null;
      }
      throw new LinkageError(e.getMessage(), e);
    } catch (ReflectiveOperationException e) {
      throw new LinkageError(e.getMessage(), e);
    }
  }
}
