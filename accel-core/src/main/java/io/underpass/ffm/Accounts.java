/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ffm;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.OptionalInt;

/** Names of users and groups to numbers, by whatever sources the host has (nsswitch.conf). */
public final class Accounts {
  /** struct passwd and struct group begin with two pointers; the number follows. */
  private static final int NUMBER = 16;

  private static final SymbolLookup LIBC = Symbols.LINKER.defaultLookup();
  private static final MethodHandle GETPWNAM =
      Symbols.plain(LIBC, "getpwnam", Symbols.pointerOf(ADDRESS));
  private static final MethodHandle GETGRNAM =
      Symbols.plain(LIBC, "getgrnam", Symbols.pointerOf(ADDRESS));

  private Accounts() {}

  /** The uid of a user; empty if there is none of that name. */
  public static OptionalInt uid(String name) {
    return number(GETPWNAM, name);
  }

  /** The gid of a group; empty if there is none of that name. */
  public static OptionalInt gid(String name) {
    return number(GETGRNAM, name);
  }

  /** These calls share one result per process, hence one at a time. */
  private static synchronized OptionalInt number(MethodHandle call, String name) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment entry = (MemorySegment) call.invokeExact(arena.allocateFrom(name));
      return Symbols.isNull(entry)
          ? OptionalInt.empty()
          : OptionalInt.of(Symbols.bytes(entry, NUMBER + Integer.BYTES).get(JAVA_INT, NUMBER));
    } catch (Throwable t) {
      throw Symbols.unexpected(t);
    }
  }
}
