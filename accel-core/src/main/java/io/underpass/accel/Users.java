/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.accel;

import io.underpass.ffm.BpfMap;
import io.underpass.ffm.Errno;
import io.underpass.ffm.Layouts;
import io.underpass.ffm.Layouts.User;
import io.underpass.ffm.NativeException;
import io.underpass.protocol.ErrorCode;
import io.underpass.protocol.UserShare;
import io.underpass.protocol.WireException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * What each user's sockets take of the tables: the map {@code users}, in which the programs count.
 * Guarded by the lock of {@code KernelDatapath}.
 */
public final class Users {
  /** A queued message is so much kernel memory. */
  private static final int MESSAGE_KILOBYTES = 1;

  /** All that one user may have queued is at most this part of the machine's memory, */
  private static final int MEMORY_PART = 8;

  /** and no more messages than this. */
  private static final long MOST_MESSAGES = 1 << 20;

  private final BpfMap users;

  public Users(BpfMap users) {
    this.users = users;
  }

  /** Sees to it that this user's sockets can be counted. */
  public void admit(int uid) throws IOException {
    try {
      boolean _ = users.update(key(uid), users.newValue(), BpfMap.NO_EXIST);
    } catch (NativeException e) {
      if (e.errno() != Errno.E2BIG) {
        throw e;
      }
      throw new WireException(
          ErrorCode.FULL, "there are registrations of " + Layouts.UP_MAX_USERS + " users already");
    }
  }

  /** All, with what they take. */
  List<UserShare> list() throws NativeException {
    List<UserShare> all = new ArrayList<>();
    users.forEachBatch(
        (keys, values) -> {
          for (int i = 0; i * Integer.BYTES < keys.limit(); i++) {
            int at = i * User.SIZE;
            all.add(
                new UserShare(
                    keys.getInt(i * Integer.BYTES),
                    values.getLong(at + User.SOCKETS),
                    values.getLong(at + User.ENROLLED),
                    values.getLong(at + User.MESSAGES),
                    values.getLong(at + User.REFUSED)));
          }
        });
    return all;
  }

  /** Forgets those without a registration and without a socket that counts. */
  void forgetAllBut(Set<Integer> registered) throws NativeException {
    for (UserShare user : list()) {
      if (user.sockets() == 0 && !registered.contains(user.uid())) {
        users.delete(key(user.uid()));
      }
    }
  }

  /** How many messages may be queued for one user's sockets, by this machine's memory. */
  static long mostMessages() throws IOException {
    String first = Files.readAllLines(Path.of("/proc/meminfo")).getFirst();
    long kilobytes = Long.parseLong(first.replaceAll("[^0-9]", ""));
    return Math.min(MOST_MESSAGES, kilobytes / MEMORY_PART / MESSAGE_KILOBYTES);
  }

  private ByteBuffer key(int uid) {
    return users.newKey().putInt(0, uid);
  }
}
