package io.underpass.helper;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;

/** The helper's listening socket and its file. */
final class ControlSocket implements AutoCloseable {
  /** inode(7). */
  private static final int S_IFMT = 0170000;

  private static final int S_IFSOCK = 0140000;

  private final Path path;
  private final ServerSocketChannel channel;
  private final SocketFile file;

  private ControlSocket(Path path, ServerSocketChannel channel, SocketFile file) {
    this.path = path;
    this.channel = channel;
    this.file = file;
  }

  /**
   * Binds the socket, in the place of one that a dead helper left.
   *
   * @param everybody whether others than root and the group {@link Policy#GROUP} may connect; the
   *     policy then is the only guard
   */
  static ControlSocket bind(Path path, boolean everybody) throws HelperException {
    try {
      folder(path).makeFolder("rwxr-xr-x");
      if (Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
        removeStale(path);
      }
      ServerSocketChannel channel = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
      try {
        channel.configureBlocking(false);
        SocketFile file = SocketFile.bind(channel, path);
        file.letIn(everybody);
        return new ControlSocket(path, channel, file);
      } catch (IOException e) {
        channel.close();
        throw e;
      }
    } catch (HelperException e) {
      throw e;
    } catch (IOException e) {
      throw new HelperException(
          "cannot listen on " + path + " (" + e + ")", "choose another path with --socket", e);
    }
  }

  /** Checks the folder that a socket is in, or would be in, as {@link #bind} does. */
  static void checkFolder(Path path) throws HelperException {
    folder(path).checkFolder();
  }

  private static TrustedPath folder(Path socket) {
    Path folder = socket.toAbsolutePath().getParent();
    return new TrustedPath(folder == null ? socket : folder, "--socket");
  }

  private static void removeStale(Path path) throws IOException {
    int mode = (int) Files.getAttribute(path, "unix:mode", LinkOption.NOFOLLOW_LINKS);
    if ((mode & S_IFMT) != S_IFSOCK) {
      throw new HelperException(path + " is no socket", "choose another path with --socket");
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
          "use that one, or stop it, or choose another path with --socket");
    }
    Files.delete(path);
  }

  Path path() {
    return path;
  }

  ServerSocketChannel channel() {
    return channel;
  }

  @Override
  public void close() {
    try {
      channel.close();
      file.remove();
    } catch (IOException e) {
      // The next helper finds it stale.
    }
  }
}
