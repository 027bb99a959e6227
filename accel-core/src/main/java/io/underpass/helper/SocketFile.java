/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.helper;

import io.underpass.ffm.ChannelCalls;
import io.underpass.host.HelperException;
import io.underpass.host.TrustedPath;
import io.underpass.policy.Policy;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipalNotFoundException;

/**
 * The file of a listening socket, in a folder that is a {@link TrustedPath}: whom it lets in, and
 * its removal. It is the helper's own user's alone until {@link #letIn}.
 */
final class SocketFile {
  private static final int CLOSED = 0600;

  private final Path path;

  /** Tells the file that this helper has made from another one of the same name. */
  private final Object key;

  private SocketFile(Path path) throws IOException {
    this.path = path;
    this.key = key();
  }

  /** Binds the socket, which makes the file, with the mode that the socket has. */
  static SocketFile bind(ServerSocketChannel channel, Path path, int backlog) throws IOException {
    ChannelCalls.setMode(ChannelCalls.descriptor(channel), CLOSED);
    channel.bind(UnixDomainSocketAddress.of(path), backlog);
    return new SocketFile(path);
  }

  private Object key() throws IOException {
    return Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
        .fileKey();
  }

  /**
   * Lets in the group {@link Policy#GROUP}, if there is one, or everybody; or throws and removes
   * it. By the file's name: nobody else can have put another one there.
   */
  void letIn(boolean everybody) throws IOException {
    PosixFileAttributeView view = Files.getFileAttributeView(path, PosixFileAttributeView.class);
    try {
      if (!everybody) {
        setGroup(view);
      }
      view.setPermissions(PosixFilePermissions.fromString(everybody ? "rw-rw-rw-" : "rw-rw----"));
    } catch (IOException e) {
      remove();
      throw e;
    }
  }

  private void setGroup(PosixFileAttributeView view) throws IOException {
    try {
      view.setGroup(
          path.getFileSystem()
              .getUserPrincipalLookupService()
              .lookupPrincipalByGroupName(Policy.GROUP));
    } catch (UserPrincipalNotFoundException e) {
      // Without that group the socket is the helper's own user's alone.
      return;
    } catch (FileSystemException e) {
      // Without CAP_CHOWN, a file's owner gives it to the groups that he is in.
      throw new HelperException(
          "the socket cannot be given to the group " + Policy.GROUP + " (" + e.getReason() + ")",
          "let the helper have that group too: setpriv --groups, or SupplementaryGroups= of a unit",
          e);
    }
  }

  /** Unless another file has taken its place. */
  void remove() throws IOException {
    if (key.equals(key())) {
      Files.delete(path);
    }
  }
}
