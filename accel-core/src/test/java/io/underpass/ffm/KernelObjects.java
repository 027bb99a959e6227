/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ffm;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * What one helper, and those that adopt what it pinned, have in the kernel, as bpf(2) itself counts
 * it: by id, and not by what is pinned, since a descriptor, an attachment or a socket keeps an
 * object as well. Objects of other helpers have the same names, but other ids, and no id comes
 * twice.
 */
public final class KernelObjects {
  private static final int MAX_MAPS = 64;

  /** struct bpf_prog_info, up to the name; and the start of struct bpf_link_info. */
  private static final int INFO_BYTES = 80;

  private static final int PROGRAM_MAP_COUNT = 52;
  private static final int PROGRAM_MAP_IDS = 56;
  private static final int PROGRAM_NAME = 64;
  private static final int MAP_NAME = 24;
  private static final int LINK_PROGRAM = 8;

  private enum Kind {
    MAP("map"),
    PROGRAM("prog"),
    LINK("link");

    private final MethodHandle next;
    private final MethodHandle open;

    Kind(String name) {
      next = call("bpf_" + name + "_get_next_id", JAVA_INT, ADDRESS);
      open = call("bpf_" + name + "_get_fd_by_id", JAVA_INT);
    }

    private static MethodHandle call(String name, MemoryLayout... arguments) {
      return Symbols.plain(LibBpf.symbols(), name, Symbols.intOf(arguments));
    }
  }

  /** Reads what is to be known of an object. */
  @FunctionalInterface
  private interface Reader {
    void read(int id, MemorySegment info);
  }

  private final Set<Integer> maps = new TreeSet<>();
  private final Set<Integer> programs = new TreeSet<>();

  /** Remembers the maps that are pinned below the folder, and the programs that use them now. */
  public synchronized void look(Path pins) throws IOException {
    List<Path> files;
    try (Stream<Path> all = Files.walk(pins)) {
      files = all.filter(Files::isRegularFile).toList();
    }
    for (Path file : files) {
      String name = file.getFileName().toString();
      if (!name.startsWith("link_") && !name.equals("verdict")) {
        try (BpfMap map = BpfMap.openPinned(file)) {
          maps.add(map.id());
        }
      }
    }
    if (maps.isEmpty()) {
      throw new IOException("no map is pinned below " + pins);
    }
    left();
  }

  /**
   * What of it is in the kernel: its maps, the programs that use one, also those loaded since, and
   * their links. An attached program is there as long as it is attached.
   */
  public synchronized List<String> left() throws NativeException {
    List<String> left = new ArrayList<>();
    each(
        Kind.PROGRAM,
        (id, info) -> {
          int used = Math.min(info.get(JAVA_INT, PROGRAM_MAP_COUNT), MAX_MAPS);
          MemorySegment ids =
              Symbols.bytes(
                  MemorySegment.ofAddress(info.get(JAVA_LONG, PROGRAM_MAP_IDS)), 4L * used);
          List<Integer> mapIds = ids.elements(JAVA_INT).map(e -> e.get(JAVA_INT, 0)).toList();
          if (programs.contains(id) || mapIds.stream().anyMatch(maps::contains)) {
            programs.add(id);
            maps.addAll(mapIds); // those that are pinned nowhere too
            left.add("program " + id + " " + name(info, PROGRAM_NAME));
          }
        });
    each(
        Kind.MAP,
        (id, info) -> {
          if (maps.contains(id)) {
            left.add("map " + id + " " + name(info, MAP_NAME));
          }
        });
    each(
        Kind.LINK,
        (id, info) -> {
          int program = info.get(JAVA_INT, LINK_PROGRAM);
          if (programs.contains(program)) {
            left.add("link " + id + " of program " + program);
          }
        });
    return left;
  }

  private static String name(MemorySegment info, int offset) {
    return info.asSlice(offset, 16).getString(0, StandardCharsets.US_ASCII);
  }

  private static void each(Kind kind, Reader reader) throws NativeException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment next = arena.allocate(JAVA_INT);
      MemorySegment info = arena.allocate(INFO_BYTES, 8);
      MemorySegment mapIds = arena.allocate(4L * MAX_MAPS, 4);
      while ((int) kind.next.invokeExact(next.get(JAVA_INT, 0), next) == 0) {
        int id = next.get(JAVA_INT, 0);
        int fd = (int) kind.open.invokeExact(id);
        if (fd < 0) {
          continue; // it has gone meanwhile
        }
        try {
          info.fill((byte) 0);
          if (kind == Kind.PROGRAM) {
            info.set(JAVA_INT, PROGRAM_MAP_COUNT, MAX_MAPS);
            info.set(JAVA_LONG, PROGRAM_MAP_IDS, mapIds.address());
          }
          BpfCalls.check(BpfCalls.info(fd, info), "bpf_obj_get_info_by_fd");
        } finally {
          LibC.close(fd);
        }
        reader.read(id, info);
      }
    } catch (NativeException e) {
      throw e;
    } catch (Throwable t) {
      throw Symbols.unexpected(t);
    }
  }
}
