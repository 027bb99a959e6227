package io.underpass.helper;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.GroupPrincipal;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipalNotFoundException;

/** The helper's listening socket and its file. */
final class ControlSocket implements AutoCloseable {
  /** inode(7). */
  private static final int S_IFMT = 0170000;

  private static final int S_IFSOCK = 0140000;

  private final Path path;
  private final ServerSocketChannel channel;

  private ControlSocket(Path path, ServerSocketChannel channel) {
    this.path = path;
    this.channel = channel;
  }

  /**
   * Binds the socket, in the place of one that a dead helper left.
   *
   * @param everybody whether others than root and the group {@link Policy#GROUP} may connect; the
   *     policy then is the only guard
   */
  static ControlSocket bind(Path path, boolean everybody) throws HelperException {
    try {
      Path folder = path.toAbsolutePath().getParent();
      if (folder != null) {
        Files.createDirectories(folder);
      }
      if (Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
        removeStale(path);
      }
      ServerSocketChannel channel = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
      try {
        channel.bind(UnixDomainSocketAddress.of(path));
        setAccess(path, everybody);
        channel.configureBlocking(false);
        return new ControlSocket(path, channel);
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

  private static void setAccess(Path path, boolean everybody) throws IOException {
    PosixFileAttributeView view = Files.getFileAttributeView(path, PosixFileAttributeView.class);
    try {
      GroupPrincipal group =
          path.getFileSystem()
              .getUserPrincipalLookupService()
              .lookupPrincipalByGroupName(Policy.GROUP);
      view.setGroup(group);
    } catch (UserPrincipalNotFoundException e) {
      // Without that group the socket is root's alone.
    }
    view.setPermissions(PosixFilePermissions.fromString(everybody ? "rw-rw-rw-" : "rw-rw----"));
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
      Files.deleteIfExists(path);
    } catch (IOException e) {
      // The next helper finds it stale.
    }
  }
}
