package io.underpass.agent.hooks;

import io.underpass.agent.bridge.UnderpassBridge;
import java.io.FileDescriptor;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;

/**
 * Called through the bridge from inside the JDK's socket classes, on the application's threads and
 * often under their locks: nothing here blocks (but see {@link Spins}), and nothing here may change
 * what the application sees, but for the repairs below.
 *
 * <p>An accelerated socket differs from plain TCP in four places that a program can see, and each
 * is put right here: {@link #onAvailable}, {@link #beforeUrgent}, the reset in {@link #closing},
 * and who is told of one ({@link Failures}). Until a helper is asked for the first time all four do
 * nothing.
 */
public final class Hooks extends UnderpassBridge {
  /** Sockets of this JVM that are open. */
  public static final SocketTable TABLE = new SocketTable();

  /** What happened so far. */
  public static final SocketCounts COUNTS = new SocketCounts();

  /** How reads spun. */
  public static final WaitCounts SPINS = new WaitCounts();

  /** How large writes waited for the reader. */
  public static final WaitCounts PACES = new WaitCounts();

  private static final LongAdder SUPPRESSED = new LongAdder();

  /** Null until the first registration is asked for; never null again. */
  private static volatile Sockopts sockopts;

  /** Null until the first registration; so are those that follow. */
  private static volatile Reads reads;

  /** The same, and where no read is to spin. */
  private static volatile Spins spins;

  /** The same, and where no write is to wait. */
  private static volatile Paces paces;

  private static volatile Joins joins;

  private static volatile Tends tends;

  /** The same; and null where the JDK has no exception for a reset. */
  private static volatile Failures failures;

  /**
   * How many threads register, or have the helper look: it may know connections that are not
   * joined.
   */
  private static final AtomicInteger REGISTERING = new AtomicInteger();

  private final Consumer<Object> platformServer;

  private Hooks(Consumer<Object> platformServer) {
    this.platformServer = platformServer;
  }

  /**
   * Lets the bridge lead here.
   *
   * @param platformServer gets the platform MBean server each time that somebody asks for it
   */
  public static void install(Consumer<Object> platformServer) {
    UnderpassBridge.connect(new Hooks(platformServer));
  }

  /**
   * A registration is about to be asked for. The helper may have sockets of this JVM accelerated
   * before its answer is here, so the repairs begin now.
   */
  public static void prepare(Sockopts opened) {
    sockopts = opened;
    try {
      failures = Failures.open(opened);
    } catch (ReflectiveOperationException e) {
      // A JDK without that class: writes and reads fail as the kernel says.
      suppressed(e);
    }
  }

  /**
   * A registration is made: the socket options are answered from now on. After {@link #prepare}.
   *
   * @param spin whether reads may spin before they block
   * @param pace whether large writes may wait for the reader
   * @param joinNow whether connections are made known to the kernel's part as soon as they are made
   * @param claim has the helper look at this process again, and then calls {@link #claimed}
   */
  public static void activate(
      Sockopts opened, boolean spin, boolean pace, boolean joinNow, Runnable claim) {
    if (joins == null) {
      tends = new Tends(TABLE, opened);
      joins = Joins.start(TABLE, COUNTS, opened, tends, joinNow, claim);
      try {
        Exit.atLast(Hooks::exiting);
      } catch (ReflectiveOperationException e) {
        // A JDK without that method: the other end then sees the end of the stream, not a reset.
        suppressed(e);
      }
    }
    joins.registered();
    paces = pace ? new Paces(opened, tends, PACES) : null;
    if (pace) {
      try {
        writeBy(Paces.nativeWrite());
      } catch (ReflectiveOperationException e) {
        // A JDK without that method: large writes are left whole.
        suppressed(e);
      }
    }
    if (spin) {
      try {
        spins = Spins.open(opened, SPINS);
      } catch (ReflectiveOperationException | IOException e) {
        // A JDK without that method, or no /proc: reads block at once, as ever.
        spins = null;
      }
    }
    reads = new Reads(TABLE, joins, tends, spins);
  }

  /** There is no helper, or not any more. */
  public static void withoutHelper() {
    Tends known = tends;
    if (known != null) {
      known.giveBackRoom();
    }
  }

  /** The helper has looked at this process again. */
  public static void claimed() {
    joins.registered();
  }

  /**
   * A registration begins or ends, or another look of the helper. Meanwhile it finds connections by
   * itself, that this side does not know to be found.
   */
  public static void registering(boolean begins) {
    REGISTERING.addAndGet(begins ? 1 : -1);
  }

  /** What is known of a socket may be no longer true. */
  private static boolean isRegistering() {
    return REGISTERING.get() > 0;
  }

  /** Something of the agent failed; the application goes on as if there were no agent. */
  public static void suppressed(Throwable e) {
    SUPPRESSED.increment();
  }

  /** How many errors were suppressed. */
  public static long suppressed() {
    return SUPPRESSED.sum();
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
      case BOUND -> COUNTS.bound();
      case CLOSING -> closing(fd);
      case URGENT -> beforeUrgent(fd);
      default -> throw new IllegalArgumentException("event " + what);
    }
  }

  /**
   * What {@code available()} has to answer, called where the JDK has just asked FIONREAD, under the
   * socket's lock.
   *
   * <p>FIONREAD of an enrolled socket counts one of its two queues only, and which one depends on
   * the kernel (929e30f93125).
   */
  @Override
  protected int onAvailable(FileDescriptor fd, int plain) throws Throwable {
    Sockopts opened = sockopts;
    if (opened == null) {
      return plain;
    }
    SocketRecord record = TABLE.get(Descriptors.numberOf(fd), fd);
    int both = opened.available(fd, isRegistering() ? null : record);
    return both >= 0 ? both : plain;
  }

  @Override
  protected void onRead(FileDescriptor fd, boolean blocks) throws Throwable {
    Reads known = reads;
    if (known != null) {
      known.before(fd, blocks);
    }
  }

  @Override
  protected void onSelect(int epoll, long events) throws Throwable {
    Spins reads = spins;
    if (reads != null) {
      reads.beforeSelect(epoll, events);
    }
  }

  @Override
  protected int onLargeWrite(FileDescriptor fd, int size) throws Throwable {
    Paces writes = paces;
    SocketRecord socket = writes == null ? null : TABLE.get(Descriptors.numberOf(fd), fd);
    return socket == null ? 0 : writes.beforeWrite(socket, size);
  }

  @Override
  protected IOException onEnd(FileDescriptor fd) throws Throwable {
    Failures known = failures;
    SocketRecord record = known == null ? null : TABLE.get(Descriptors.numberOf(fd), fd);
    return record != null && mayBeEnrolled(record) ? known.atEnd(fd, record) : null;
  }

  @Override
  protected IOException onFailed(FileDescriptor fd, int what, IOException thrown) throws Throwable {
    Failures known = failures;
    SocketRecord record = TABLE.get(Descriptors.numberOf(fd), fd);
    boolean ours = what != READ && known != null && mayBeEnrolled(record);
    IOException told = ours ? known.ofWrite(fd, record, what, thrown) : thrown;
    if (record != null) {
      record.failed();
    }
    return told;
  }

  @Override
  protected boolean hasEnded(FileDescriptor fd) throws Throwable {
    Sockopts opened = sockopts;
    return opened != null && opened.hasEnded(fd);
  }

  @Override
  protected void onPlatformServer(Object server) {
    platformServer.accept(server);
  }

  @Override
  protected void onSuppressed(Throwable e) {
    suppressed(e);
  }

  /**
   * Urgent data is about to be sent, under the socket's write lock.
   *
   * <p>A redirect would carry the byte as ordinary data. The direction goes by TCP first, and for
   * good.
   */
  private static void beforeUrgent(FileDescriptor fd) throws Throwable {
    Sockopts opened = sockopts;
    if (opened != null) {
      opened.pinTcp(fd);
    }
  }

  /**
   * The file descriptor is about to be closed, or replaced by {@code dup2}, which closes the socket
   * behind it.
   *
   * <p>TCP sends a reset where unread data is thrown away. It does not see what is unread in the
   * psock queue, so it is told to: a linger time of 0 has the same effect. Here the JDK has done
   * its own {@code shutdown}, as for plain TCP.
   */
  private static void closing(FileDescriptor fd) throws Throwable {
    SocketRecord record = TABLE.remove(Descriptors.numberOf(fd), fd);
    if (record != null) {
      COUNTS.closed();
      if (record.isConnected() && record.isYoung()) {
        COUNTS.brief();
      }
    }
    Sockopts opened = sockopts;
    if (opened != null && mayBeEnrolled(record)) {
      resetWhereUnread(opened, fd, record);
    }
  }

  private static boolean mayBeEnrolled(SocketRecord record) {
    return record == null ? TABLE.hasStrangers() : !record.isYoung() || isRegistering();
  }

  private static void resetWhereUnread(Sockopts opened, FileDescriptor fd, SocketRecord record)
      throws Throwable {
    if (opened.unread(fd, isRegistering() ? null : record) > 0) {
      opened.lingerZero(fd);
    }
  }

  /**
   * This JVM ends, and the kernel closes what is open: as in {@link #closing}. The application's
   * own shutdown hooks are over, so what has not been read is thrown away in the next moment.
   */
  private static void exiting() {
    Sockopts opened = sockopts;
    for (SocketRecord record : TABLE.records()) {
      if (record.isConnected() && mayBeEnrolled(record)) {
        try {
          resetWhereUnread(opened, record.fd(), record);
        } catch (Throwable e) {
          suppressed(e);
        }
      }
    }
  }

  private static void created(FileDescriptor fd, SocketRecord.Kind kind, boolean server)
      throws Throwable {
    COUNTS.created();
    TABLE.add(
        Descriptors.numberOf(fd),
        fd,
        kind,
        server ? SocketRecord.Role.LISTEN : SocketRecord.Role.NONE);
  }

  private static void connected(FileDescriptor fd, SocketRecord.Kind kind) throws Throwable {
    int number = Descriptors.numberOf(fd);
    SocketRecord record = TABLE.get(number, fd);
    if (record != null) {
      record.connected();
    } else {
      record = TABLE.add(number, fd, kind, SocketRecord.Role.CONNECT);
    }
    COUNTS.connected(); // after the table, see Joins.added
    added(record);
  }

  private static void accepted(FileDescriptor fd, SocketRecord.Kind kind) throws Throwable {
    SocketRecord record = TABLE.add(Descriptors.numberOf(fd), fd, kind, SocketRecord.Role.ACCEPT);
    COUNTS.accepted(); // after the table, see Joins.added
    added(record);
  }

  /**
   * A connection, in the table and counted.
   *
   * @param record null where the table has no place for it
   */
  private static void added(SocketRecord record) throws Throwable {
    Joins known = joins;
    if (known != null && record != null) {
      known.added(record);
    }
  }
}
