package io.underpass.agent.weave;

import io.underpass.agent.hooks.Hooks;
import java.io.FileDescriptor;
import net.bytebuddy.asm.Advice;

/**
 * The advice, one class for each shape of hooked method. Byte Buddy copies the body into the JDK's
 * method; these classes themselves are only read, never loaded.
 *
 * <p>So: static, no fields, no lambdas, nothing but a call to {@link Hooks}, and whatever is thrown
 * is counted and gone. Parameters are of the very type of what they stand for, or {@code Object}.
 */
@SuppressWarnings("UnusedMethod")
final class Advices {
  private Advices() {}

  /** {@code NioSocketImpl.create(boolean)}. */
  static final class ImplCreated {
    @Advice.OnMethodExit(suppress = Throwable.class)
    static void exit(@Advice.This Object self, @Advice.FieldValue("server") boolean server)
        throws Throwable {
      Hooks.implCreated(self, server);
    }
  }

  /** {@code NioSocketImpl.connect(SocketAddress, int)}. */
  static final class ImplConnected {
    @Advice.OnMethodExit(suppress = Throwable.class)
    static void exit(@Advice.This Object self) throws Throwable {
      Hooks.implConnected(self);
    }
  }

  /** {@code NioSocketImpl.accept(SocketImpl)}: the argument becomes the accepted socket. */
  static final class ImplAccepted {
    @Advice.OnMethodExit(suppress = Throwable.class)
    static void exit(@Advice.Argument(0) Object accepted) throws Throwable {
      Hooks.implAccepted(accepted);
    }
  }

  /** Whatever binds a TCP socket. */
  static final class Bound {
    @Advice.OnMethodExit(suppress = Throwable.class)
    static void exit() {
      Hooks.bound();
    }
  }

  /** {@code SocketChannelImpl(SelectorProvider, ProtocolFamily)}. */
  static final class ChannelCreated {
    @Advice.OnMethodExit(suppress = Throwable.class)
    static void exit(
        @Advice.FieldValue("fd") FileDescriptor fd, @Advice.Argument(1) Object family) {
      Hooks.channelCreated(fd, family, false);
    }
  }

  /** {@code ServerSocketChannelImpl(SelectorProvider, ProtocolFamily)}. */
  static final class ServerChannelCreated {
    @Advice.OnMethodExit(suppress = Throwable.class)
    static void exit(
        @Advice.FieldValue("fd") FileDescriptor fd, @Advice.Argument(1) Object family) {
      Hooks.channelCreated(fd, family, true);
    }
  }

  /**
   * {@code SocketChannelImpl(SelectorProvider, ProtocolFamily, FileDescriptor, SocketAddress)}: an
   * accepted one.
   */
  static final class ChannelAccepted {
    @Advice.OnMethodExit(suppress = Throwable.class)
    static void exit(@Advice.Argument(2) FileDescriptor fd, @Advice.Argument(1) Object family) {
      Hooks.channelAccepted(fd, family);
    }
  }

  /**
   * {@code SocketChannelImpl.endConnect} and {@code endFinishConnect(boolean blocking, boolean
   * completed)}.
   */
  static final class ChannelConnected {
    @Advice.OnMethodExit(suppress = Throwable.class)
    static void exit(
        @Advice.FieldValue("fd") FileDescriptor fd,
        @Advice.FieldValue("family") Object family,
        @Advice.Argument(1) boolean completed) {
      Hooks.channelConnected(fd, family, completed);
    }
  }

  /** {@code AsynchronousSocketChannelImpl(AsynchronousChannelGroupImpl)}. */
  static final class AsyncCreated {
    @Advice.OnMethodExit(suppress = Throwable.class)
    static void exit(@Advice.FieldValue("fd") FileDescriptor fd) {
      Hooks.asyncCreated(fd, false);
    }
  }

  /** {@code AsynchronousServerSocketChannelImpl(AsynchronousChannelGroupImpl)}. */
  static final class AsyncServerCreated {
    @Advice.OnMethodExit(suppress = Throwable.class)
    static void exit(@Advice.FieldValue("fd") FileDescriptor fd) {
      Hooks.asyncCreated(fd, true);
    }
  }

  /**
   * {@code AsynchronousSocketChannelImpl(AsynchronousChannelGroupImpl, FileDescriptor,
   * InetSocketAddress)}.
   */
  static final class AsyncAccepted {
    @Advice.OnMethodExit(suppress = Throwable.class)
    static void exit(@Advice.Argument(1) FileDescriptor fd) {
      Hooks.asyncAccepted(fd);
    }
  }

  /** {@code UnixAsynchronousSocketChannelImpl.setConnected()}. */
  static final class AsyncConnected {
    @Advice.OnMethodExit(suppress = Throwable.class)
    static void exit(@Advice.This Object self) throws Throwable {
      Hooks.asyncConnected(self);
    }
  }

  /** {@code UnixDispatcher.close} and {@code implPreClose}, first argument the file descriptor. */
  static final class Closing {
    @Advice.OnMethodEnter(suppress = Throwable.class)
    static void enter(@Advice.Argument(0) FileDescriptor fd) throws Throwable {
      Hooks.closing(fd);
    }
  }

  /** {@code ManagementFactory.getPlatformMBeanServer()}. */
  static final class PlatformServer {
    @Advice.OnMethodExit(suppress = Throwable.class)
    static void exit(@Advice.Return Object server) {
      Hooks.platformServer(server);
    }
  }
}
