/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.hooks;

import io.underpass.agent.bridge.UnderpassBridge;
import io.underpass.agent.jdk.Descriptors;
import io.underpass.agent.report.ErrorLog;
import java.io.FileDescriptor;
import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.net.StandardProtocolFamily;
import java.nio.channels.ClosedChannelException;
import java.util.function.Consumer;

/**
 * The dispatch: called through the bridge from inside the JDK's socket classes, on the
 * application's threads and often under their locks. It keeps the table of sockets, and calls the
 * {@link Repairs} and the {@link Waits} as far as {@link Acceleration} has them.
 *
 * <p>Nothing here blocks but what {@link Spins} and {@link Paces} bound, and nothing changes what
 * the application sees but the repairs.
 */
public final class Hooks extends UnderpassBridge {
  private final Acceleration acceleration;
  private final SocketTable table;
  private final SocketCounts counts;
  private final Consumer<Object> platformServer;

  /**
   * Lets the bridge lead here. Not in the class that defines the bridge, which could not be
   * verified then.
   *
   * @param platformServer gets the platform MBean server each time that somebody asks for it
   */
  public static void install(Acceleration acceleration, Consumer<Object> platformServer) {
    UnderpassBridge.connect(new Hooks(acceleration, platformServer));
  }

  private Hooks(Acceleration acceleration, Consumer<Object> platformServer) {
    this.acceleration = acceleration;
    this.table = acceleration.table();
    this.counts = acceleration.counts();
    this.platformServer = platformServer;
  }

  /** From now on large writes may be made in two parts. */
  static void writeLargeBy(MethodHandle nativeWrite) {
    writeBy(nativeWrite);
  }

  @Override
  protected void onEvent(FileDescriptor fd, int what, Object family, boolean flag)
      throws Throwable {
    if (family == StandardProtocolFamily.UNIX) {
      // No TCP; the agent's own connection to the helper among them.
      return;
    }
    switch (what) {
      case SOCKET_CREATED -> created(fd, SocketRecord.Kind.SOCKET, flag);
      case CHANNEL_CREATED -> created(fd, SocketRecord.Kind.CHANNEL, false);
      case SERVER_CHANNEL_CREATED -> created(fd, SocketRecord.Kind.CHANNEL, true);
      case ASYNC_CREATED -> created(fd, SocketRecord.Kind.ASYNC, false);
      case ASYNC_SERVER_CREATED -> created(fd, SocketRecord.Kind.ASYNC, true);
      case SOCKET_CONNECTED -> connected(fd, SocketRecord.Kind.SOCKET);
      case CHANNEL_CONNECTED -> {
        if (flag) {
          connected(fd, SocketRecord.Kind.CHANNEL);
        }
      }
      case ASYNC_CONNECTED -> connected(fd, SocketRecord.Kind.ASYNC);
      case SOCKET_ACCEPTED -> accepted(fd, SocketRecord.Kind.SOCKET);
      case CHANNEL_ACCEPTED -> accepted(fd, SocketRecord.Kind.CHANNEL);
      case ASYNC_ACCEPTED -> accepted(fd, SocketRecord.Kind.ASYNC);
      case BOUND -> counts.bound();
      case CLOSING -> closing(fd);
      case URGENT -> {
        Repairs repairs = acceleration.state().repairs();
        if (repairs != null) {
          repairs.beforeUrgent(fd);
        }
      }
      default -> throw new IllegalArgumentException("event " + what);
    }
  }

  @Override
  protected int onAvailable(FileDescriptor fd, int plain) throws Throwable {
    Repairs repairs = acceleration.state().repairs();
    return repairs == null ? plain : repairs.available(fd, plain);
  }

  @Override
  protected void onRead(FileDescriptor fd, boolean blocks) throws Throwable {
    Waits waits = acceleration.state().waits();
    if (waits != null) {
      waits.beforeRead(fd, blocks);
    }
  }

  @Override
  protected void onSelect(int epoll, long events) throws Throwable {
    Waits waits = acceleration.state().waits();
    if (waits != null) {
      waits.beforeSelect(epoll, events);
    }
  }

  @Override
  protected int onLargeWrite(FileDescriptor fd, int size) throws Throwable {
    Waits waits = acceleration.state().waits();
    SocketRecord socket = waits == null ? null : table.get(Descriptors.numberOf(fd), fd);
    return socket == null ? 0 : waits.beforeLargeWrite(socket, size);
  }

  @Override
  protected IOException onEnd(FileDescriptor fd) throws Throwable {
    Repairs repairs = acceleration.state().repairs();
    return repairs == null ? null : repairs.atEnd(fd);
  }

  @Override
  protected IOException onFailed(FileDescriptor fd, int what, IOException thrown) throws Throwable {
    if (what == TRANSFER && thrown instanceof ClosedChannelException) {
      return thrown; // of the file's channel, where the JDK's transfer is woven around that too
    }
    Repairs repairs = acceleration.state().repairs();
    SocketRecord record = table.get(Descriptors.numberOf(fd), fd);
    IOException told = repairs == null ? thrown : repairs.failed(fd, record, what, thrown);
    if (record != null) {
      record.failed();
    }
    return told;
  }

  @Override
  protected boolean hasEnded(FileDescriptor fd) throws Throwable {
    Repairs repairs = acceleration.state().repairs();
    return repairs != null && repairs.hasEnded(fd);
  }

  @Override
  protected void onPlatformServer(Object server) {
    platformServer.accept(server);
  }

  @Override
  protected void onSuppressed(Throwable e) {
    ErrorLog.AGENT.add(e);
  }

  private void created(FileDescriptor fd, SocketRecord.Kind kind, boolean server) throws Throwable {
    counts.created();
    table.add(
        Descriptors.numberOf(fd),
        fd,
        kind,
        server ? SocketRecord.Role.LISTEN : SocketRecord.Role.NONE);
  }

  private void connected(FileDescriptor fd, SocketRecord.Kind kind) throws Throwable {
    int number = Descriptors.numberOf(fd);
    SocketRecord record = table.get(number, fd);
    if (record != null) {
      record.connected();
    } else {
      record = table.add(number, fd, kind, SocketRecord.Role.CONNECT);
    }
    counts.connected(); // after the table, see Joins.added
    added(record);
  }

  private void accepted(FileDescriptor fd, SocketRecord.Kind kind) throws Throwable {
    SocketRecord record = table.add(Descriptors.numberOf(fd), fd, kind, SocketRecord.Role.ACCEPT);
    counts.accepted(); // after the table, see Joins.added
    added(record);
  }

  /**
   * A connection is in the table, and counted.
   *
   * @param record null where the table has no place for it
   */
  private void added(SocketRecord record) throws Throwable {
    Joins joins = acceleration.state().joins();
    if (joins != null && record != null) {
      joins.added(record);
    }
  }

  private void closing(FileDescriptor fd) throws Throwable {
    SocketRecord record = table.remove(Descriptors.numberOf(fd), fd);
    if (record != null) {
      counts.closed();
      if (record.isConnected() && record.isYoung()) {
        counts.brief();
      }
    }
    Repairs repairs = acceleration.state().repairs();
    if (repairs != null) {
      repairs.beforeClose(fd, record);
    }
  }
}
