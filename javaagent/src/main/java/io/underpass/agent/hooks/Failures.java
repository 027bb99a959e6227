/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.hooks;

import io.underpass.agent.bridge.UnderpassBridge;
import io.underpass.agent.jdk.JavaBase;
import java.io.FileDescriptor;
import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

/**
 * Sees to it that a connection's reset is told as by TCP: to the first call after it, and to no
 * other.
 *
 * <p>The kernel keeps it as the socket's pending error, which {@code tcp_bpf_sendmsg} handles
 * differently from TCP in two ways. A write that is told of it leaves it to the next call too
 * ({@code sk_err}). And one that had sent a part, when the reset ended its wait for room, takes it
 * off, though it returns what it has sent ({@code sk_stream_error}): so nobody is told, and a read
 * sees an orderly end of the stream. Neither is asked for before something has failed or ended.
 */
final class Failures {
  /** What the JDK says of EPIPE and ECONNRESET; in another language a lost reset stays an EPIPE. */
  private static final String BROKEN_PIPE = "Broken pipe";

  private static final String RESET_AT_WRITE = "Connection reset by peer";

  /** What the native read says of ECONNRESET. */
  private static final String RESET_AT_READ = "Connection reset";

  private final Sockopts sockopts;

  /** {@code new sun.net.ConnectionResetException(String)}, which the JDK remembers of a socket. */
  private final MethodHandle newReset;

  private Failures(Sockopts sockopts, MethodHandle newReset) {
    this.sockopts = sockopts;
    this.newReset = newReset;
  }

  static Failures open(Sockopts sockopts) throws ReflectiveOperationException {
    MethodHandles.Lookup reset = JavaBase.lookup("sun.net.ConnectionResetException");
    MethodHandle constructor =
        reset.findConstructor(reset.lookupClass(), MethodType.methodType(void.class, String.class));
    return new Failures(
        sockopts, constructor.asType(MethodType.methodType(IOException.class, String.class)));
  }

  /**
   * A read sees the end of the stream.
   *
   * @param record null for a socket that the table has no place for
   * @return what it is to be told instead; null for nothing
   */
  IOException atEnd(FileDescriptor fd, SocketRecord record) throws Throwable {
    if (record == null || record.hasFailed() || !sockopts.wasReset(fd, record)) {
      return null;
    }
    return (IOException) newReset.invokeExact(RESET_AT_READ);
  }

  /**
   * A write or a transfer has failed. By plain TCP too, a transfer that was cut short takes the
   * error off ({@code splice_direct_to_actor} tries again), so it is left its EPIPE.
   *
   * <p>Whether the socket is enrolled is not asked: it may have been taken off since the write
   * began, in the same call. By TCP the error has gone with the write already, so there is none to
   * be lost.
   *
   * @param record null for a socket that the table has no place for
   * @return what it is to be told
   */
  IOException ofWrite(FileDescriptor fd, SocketRecord record, int what, IOException thrown)
      throws Throwable {
    sockopts.takeError(fd);
    if (record == null || record.hasFailed() || what == UnderpassBridge.TRANSFER) {
      return thrown;
    }
    boolean lost = BROKEN_PIPE.equals(thrown.getMessage());
    return lost && sockopts.wasReset(fd, record) ? new IOException(RESET_AT_WRITE) : thrown;
  }
}
