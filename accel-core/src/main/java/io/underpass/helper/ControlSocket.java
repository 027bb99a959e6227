/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.helper;

import io.underpass.ffm.UnixStream;
import io.underpass.host.HelperException;
import io.underpass.host.TrustedPath;
import io.underpass.policy.Policy;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;

/** A listening socket of the helper and its file. */
final class ControlSocket implements AutoCloseable {
  /** inode(7). */
  private static final int S_IFMT = 0170000;

  private static final int S_IFSOCK = 0140000;

  /** Connections that wait to be accepted: more than come while the thread does something else. */
  private static final int BACKLOG = 512;

  private final Path path;
  private final ServerSocketChannel channel;
  private final SocketFile file;

  /** Whether the folder goes with the socket. */
  private final boolean hasFolder;

  private ControlSocket(
      Path path, ServerSocketChannel channel, SocketFile file, boolean hasFolder) {
    this.path = path;
    this.channel = channel;
    this.file = file;
    this.hasFolder = hasFolder;
  }

  /**
   * Binds the socket that clients register at, in the place of one that a dead helper left.
   *
   * @param everybody whether others than root and the group {@link Policy#GROUP} may connect; the
   *     policy then is the only guard
   */
  static ControlSocket bind(Path path, boolean everybody) throws HelperException {
    return bind(path, everybody, true);
  }

  /**
   * @param refusing whether senders of descriptors are refused by the kernel, where it can;
   *     without, for tests, it is as if it could not
   */
  static ControlSocket bind(Path path, boolean everybody, boolean refusing) throws HelperException {
    ControlSocket socket = listen(path, "--socket", "rwxr-xr-x", refusing, false);
    try {
      socket.file.letIn(everybody);
      return socket;
    } catch (IOException e) {
      socket.close();
      throw cannotListen(path, "--socket", e);
    }
  }

  /**
   * Binds the socket for administration, in a folder of its owner's alone.
   *
   * @param hasFolder whether the folder is for this socket, and goes with it
   */
  static ControlSocket bindAdmin(Path path, boolean hasFolder) throws HelperException {
    return listen(path, "--admin-socket", "rwx------", true, hasFolder);
  }

  /** Checks the folder that a socket is in, or would be in, as {@link #bind} does. */
  static void checkFolder(Path path) throws HelperException {
    folder(path, "--socket").checkFolder();
  }

  private static TrustedPath folder(Path socket, String option) {
    Path folder = socket.toAbsolutePath().getParent();
    return new TrustedPath(folder == null ? socket : folder, option);
  }

  private static ControlSocket listen(
      Path path, String option, String folderMode, boolean refusing, boolean hasFolder)
      throws HelperException {
    try {
      folder(path, option).makeFolder(folderMode);
      if (Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
        removeStale(path, option);
      }
      ServerSocketChannel channel = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
      try {
        if (refusing) {
          // Where the kernel cannot, no read takes any: see there.
          boolean _ = UnixStream.refuseDescriptors(channel);
        }
        channel.configureBlocking(false);
        return new ControlSocket(path, channel, SocketFile.bind(channel, path, BACKLOG), hasFolder);
      } catch (IOException e) {
        channel.close();
        throw e;
      }
    } catch (IOException e) {
      throw cannotListen(path, option, e);
    }
  }

  private static HelperException cannotListen(Path path, String option, IOException e) {
    return e instanceof HelperException known
        ? known
        : new HelperException(
            "cannot listen on " + path + " (" + e + ")", "choose another path with " + option, e);
  }

  private static void removeStale(Path path, String option) throws IOException {
    int mode = (int) Files.getAttribute(path, "unix:mode", LinkOption.NOFOLLOW_LINKS);
    if ((mode & S_IFMT) != S_IFSOCK) {
      throw new HelperException(path + " is no socket", "choose another path with " + option);
    }
    boolean alive;
    try (SocketChannel probe = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      // Not blocking: a live helper with a full backlog would keep this waiting.
      probe.configureBlocking(false);
      probe.connect(UnixDomainSocketAddress.of(path));
      alive = true;
    } catch (IOException e) {
      // ECONNREFUSED: nobody listens there any more.
      alive = false;
    }
    if (alive) {
      throw new HelperException(
          "a helper serves " + path + " already",
          "use that one, or stop it, or choose another path with " + option);
    }
    Files.delete(path);
  }

  Path path() {
    return path;
  }

  ServerSocketChannel channel() {
    return channel;
  }

  /** The file goes first: to close the socket may wait, where descriptors came before 6.16. */
  @Override
  public void close() {
    try {
      file.remove();
      if (hasFolder) {
        Files.deleteIfExists(path.toAbsolutePath().getParent());
      }
    } catch (IOException e) {
      // The next helper finds it stale; a folder with other files in it stays.
    }
    try {
      channel.close();
    } catch (IOException e) {
      // It served no more.
    }
  }
}
