/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.session;

import io.underpass.protocol.HelperClient;
import java.io.IOException;
import java.net.SocketOption;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.UserPrincipal;
import java.util.Map;
import jdk.net.UnixDomainPrincipal;

/**
 * Whose helper it is. Trusted are one of root's, wherever it listens; one of this JVM's user's in a
 * folder of his own; and in the folder where helpers listen by default the one whose folder it is,
 * since only root can have put it there. To a folder that is not root's nobody else may write.
 *
 * <p>Users are compared by number. In a user namespace that does not map the host's root, root has
 * the number of all who are not mapped, and so has its folder: a container of that kind has to have
 * it where helpers listen by default, and who may mount it there is who made the container. Where
 * the JVM has no {@code jdk.net}, the kernel is not asked, and the folder's owner stands for the
 * helper's: nobody else can have put a socket there.
 */
final class HelperOwner implements HelperClient.Check {
  private static final int OTHERS_MAY_WRITE = 022;
  private static final int ROOT = 0;
  private static final int NOBODY = -1;

  private static final Path BY_DEFAULT = HelperClient.DEFAULT_SOCKET.getParent();

  private final Path folder;
  private final int self;

  /**
   * @param socket without links in its path, as {@link Path#toRealPath} makes it
   */
  HelperOwner(Path socket) {
    this.folder = socket.getParent();
    this.self = self();
  }

  private static int self() {
    try {
      return Owned.of(Path.of("/proc/self")).uid;
    } catch (IOException e) {
      return NOBODY; // without /proc no folder counts as this user's, which admits less
    }
  }

  /** It is a stranger's. */
  static final class Stranger extends IOException {
    private static final long serialVersionUID = 1L;

    Stranger(String message) {
      super(message);
    }
  }

  /** Whose a file is, and who may write to it. */
  private record Owned(int uid, int mode) {
    static Owned of(Path file) throws IOException {
      Map<String, Object> is = Files.readAttributes(file, "unix:uid,mode");
      return new Owned((int) is.get("uid"), (int) is.get("mode"));
    }

    boolean isWritableByOthers() {
      return (mode & OTHERS_MAY_WRITE) != 0;
    }
  }

  @Override
  public void check(SocketChannel channel) throws IOException {
    UserPrincipal helper = userOf(channel);
    if (helper != null && isRoot(helper)) {
      return;
    }
    UserPrincipal owner = Files.getOwner(folder);
    if (helper != null && !helper.equals(owner)) {
      throw new Stranger(
          "it runs as " + helper.getName() + ", and " + folder + " is of " + owner.getName());
    }
    Owned owned = Owned.of(folder);
    if (owned.isWritableByOthers()) {
      throw new Stranger("others than its owner may write to " + folder);
    }
    if (owned.uid == self || (helper == null && owned.uid == ROOT)) {
      return;
    }
    if (!folder.equals(BY_DEFAULT)) {
      throw new Stranger(
          "it runs as " + owner.getName() + ", who is neither root nor the user of this JVM");
    }
    checkAbove();
  }

  /** Only root, or this JVM's user, can have put the folder there. */
  private void checkAbove() throws IOException {
    int top = Owned.of(folder.getRoot()).uid; // root's, also where it has another number
    for (Path above = folder.getParent(); above != null; above = above.getParent()) {
      Owned owned = Owned.of(above);
      boolean trusted = owned.uid == ROOT || owned.uid == self || owned.uid == top;
      if (!trusted || owned.isWritableByOthers()) {
        throw new Stranger("others than root may write to " + above);
      }
    }
  }

  /** By a file that is root's: a name service that does not answer changes nothing. */
  private static boolean isRoot(UserPrincipal user) throws IOException {
    Path top = Path.of("/");
    return Owned.of(top).uid == ROOT && user.equals(Files.getOwner(top));
  }

  /** Who listened, as the kernel has it; null where this JVM cannot ask. */
  private static UserPrincipal userOf(SocketChannel channel) throws IOException {
    for (SocketOption<?> option : channel.supportedOptions()) {
      if (option.name().equals("SO_PEERCRED")) {
        return ((UnixDomainPrincipal) channel.getOption(option)).user();
      }
    }
    return null;
  }
}
