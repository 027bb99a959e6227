package io.underpass.agent.hooks;

import java.io.FileDescriptor;
import java.lang.instrument.Instrumentation;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.net.InetSocketAddress;
import java.net.SocketImpl;
import java.util.Map;
import java.util.Set;

/** Members of the JDK's socket classes that advice cannot name; needs {@link #open} first. */
public final class SocketAccess {
  private SocketAccess() {}

  /**
   * Opens the two packages to the agent's module, the unnamed one of the boot loader, and to nobody
   * else.
   */
  public static void open(Instrumentation instrumentation) {
    Set<Module> self = Set.of(SocketAccess.class.getModule());
    instrumentation.redefineModule(
        Object.class.getModule(),
        Set.of(),
        Map.of(),
        Map.of("sun.nio.ch", self, "java.net", self),
        Set.of(),
        Map.of());
  }

  static FileDescriptor fd(Object impl) throws Throwable {
    return (FileDescriptor) Impl.FD.invokeExact(impl);
  }

  static FileDescriptor asyncFd(Object channel) throws Throwable {
    return (FileDescriptor) Async.FD.invokeExact(channel);
  }

  static InetSocketAddress localAddress(FileDescriptor fd) throws Throwable {
    return (InetSocketAddress) Addresses.LOCAL.invokeExact(fd);
  }

  static InetSocketAddress remoteAddress(FileDescriptor fd) throws Throwable {
    return (InetSocketAddress) Addresses.REMOTE.invokeExact(fd);
  }

  /** Full access to a class of those packages. */
  static MethodHandles.Lookup lookup(Class<?> type) throws IllegalAccessException {
    return MethodHandles.privateLookupIn(type, MethodHandles.lookup());
  }

  static Class<?> net() throws ClassNotFoundException {
    return Class.forName("sun.nio.ch.Net", true, null);
  }

  private static MethodHandle getter(Class<?> type) {
    try {
      return lookup(type)
          .findGetter(type, "fd", FileDescriptor.class)
          .asType(MethodType.methodType(FileDescriptor.class, Object.class));
    } catch (ReflectiveOperationException e) {
      throw new LinkageError(e.toString(), e);
    }
  }

  /** Looked up when the first {@code Socket} or {@code ServerSocket} is made. */
  private static final class Impl {
    static final MethodHandle FD = getter(SocketImpl.class);
  }

  /** Looked up when the first asynchronous channel is connected. */
  private static final class Async {
    static final MethodHandle FD;

    static {
      try {
        FD = getter(Class.forName("sun.nio.ch.AsynchronousSocketChannelImpl", true, null));
      } catch (ClassNotFoundException e) {
        throw new LinkageError(e.toString(), e);
      }
    }
  }

  /** Looked up when the flows are first asked for. */
  private static final class Addresses {
    static final MethodHandle LOCAL = find("localAddress");
    static final MethodHandle REMOTE = find("remoteAddress");

    private static MethodHandle find(String name) {
      try {
        MethodType type = MethodType.methodType(InetSocketAddress.class, FileDescriptor.class);
        return lookup(net()).findStatic(net(), name, type);
      } catch (ReflectiveOperationException e) {
        throw new LinkageError(e.toString(), e);
      }
    }
  }
}
