/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ffm;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;

/**
 * The calls of libbpf 1.x on descriptors: maps, programs, links, pins. Signatures are those of
 * {@code bpf/bpf.h}. Links are kept as descriptors, without libbpf's {@code struct bpf_link}.
 *
 * <p>Every method returns a value or {@code -errno}, as the C function does.
 */
final class BpfCalls {
  static {
    // The print function is set before any call that could print.
    SymbolLookup lib = LibBpf.symbols();
    MethodHandle setPrint = Symbols.plain(lib, "libbpf_set_print", Symbols.pointerOf(ADDRESS));
    try {
      MemorySegment _ = (MemorySegment) setPrint.invokeExact(LibBpfLog.callback());
    } catch (Throwable t) {
      throw Symbols.unexpected(t);
    }
  }

  private static final MethodHandle MAP_LOOKUP =
      intCall("bpf_map_lookup_elem", JAVA_INT, ADDRESS, ADDRESS);
  private static final MethodHandle MAP_UPDATE =
      intCall("bpf_map_update_elem", JAVA_INT, ADDRESS, ADDRESS, JAVA_LONG);
  private static final MethodHandle MAP_DELETE = intCall("bpf_map_delete_elem", JAVA_INT, ADDRESS);
  private static final MethodHandle MAP_NEXT_KEY =
      intCall("bpf_map_get_next_key", JAVA_INT, ADDRESS, ADDRESS);
  private static final MethodHandle MAP_LOOKUP_BATCH =
      intCall(
          "bpf_map_lookup_batch", JAVA_INT, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS);
  private static final MethodHandle INFO =
      intCall("bpf_obj_get_info_by_fd", JAVA_INT, ADDRESS, ADDRESS);
  private static final MethodHandle PIN = intCall("bpf_obj_pin", JAVA_INT, ADDRESS);
  private static final MethodHandle GET = intCall("bpf_obj_get", ADDRESS);
  private static final MethodHandle LINK_CREATE =
      intCall("bpf_link_create", JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS);
  private static final MethodHandle LINK_UPDATE =
      intCall("bpf_link_update", JAVA_INT, JAVA_INT, ADDRESS);
  private static final MethodHandle ITER_CREATE = intCall("bpf_iter_create", JAVA_INT);
  private static final MethodHandle PROG_ATTACH =
      intCall("bpf_prog_attach", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT);
  private static final MethodHandle PROG_LOAD =
      intCall("bpf_prog_load", JAVA_INT, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS);
  private static final MethodHandle POSSIBLE_CPUS = intCall("libbpf_num_possible_cpus");

  /** Instructions (struct bpf_insn, little-endian): {@code r0 = 1}, {@code exit}. */
  private static final long[] ANSWER_ONE = {0x1_0000_00b7L, 0x95L};

  /** struct bpf_prog_load_opts up to and with attach_btf_id, padded. */
  private static final int LOAD_OPTS_BYTES = 48;

  private static final int LOAD_OPTS_ATTACH_TYPE = 12;
  private static final int LOAD_OPTS_ATTACH_BTF_ID = 32;

  private BpfCalls() {}

  /** Has this class initialised, and with it the capture of libbpf's messages. */
  static void touch() {}

  static int mapLookup(int fd, MemorySegment key, MemorySegment value) {
    return Calls.plain(() -> (int) MAP_LOOKUP.invokeExact(fd, key, value));
  }

  static int mapUpdate(int fd, MemorySegment key, MemorySegment value, long flags) {
    return Calls.plain(() -> (int) MAP_UPDATE.invokeExact(fd, key, value, flags));
  }

  static int mapDelete(int fd, MemorySegment key) {
    return Calls.plain(() -> (int) MAP_DELETE.invokeExact(fd, key));
  }

  static int mapNextKey(int fd, MemorySegment key, MemorySegment next) {
    return Calls.plain(() -> (int) MAP_NEXT_KEY.invokeExact(fd, key, next));
  }

  /**
   * Reads from the place {@code in} on, from the start if that is NULL, and leaves in {@code out}
   * where to go on; {@code count} says how many there is room for, then how many there are.
   */
  static int mapLookupBatch(
      int fd,
      MemorySegment in,
      MemorySegment out,
      MemorySegment keys,
      MemorySegment values,
      MemorySegment count) {
    return Calls.plain(
        () ->
            (int)
                MAP_LOOKUP_BATCH.invokeExact(fd, in, out, keys, values, count, MemorySegment.NULL));
  }

  /** Fills as much of {@code info} as the kernel knows; what it does not know stays zero. */
  static int info(int fd, MemorySegment info) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment length = arena.allocateFrom(JAVA_INT, (int) info.byteSize());
      return (int) INFO.invokeExact(fd, info, length);
    } catch (Throwable t) {
      throw Symbols.unexpected(t);
    }
  }

  static int pin(int fd, String path) {
    return Calls.inArena(arena -> (int) PIN.invokeExact(fd, arena.allocateFrom(path)));
  }

  static int get(String path) {
    return Calls.inArena(arena -> (int) GET.invokeExact(arena.allocateFrom(path)));
  }

  static int linkCreate(int programFd, int targetFd, int attachType, MemorySegment options) {
    return Calls.plain(
        () -> (int) LINK_CREATE.invokeExact(programFd, targetFd, attachType, options));
  }

  static int linkUpdate(int linkFd, int programFd) {
    return Calls.plain(() -> (int) LINK_UPDATE.invokeExact(linkFd, programFd, MemorySegment.NULL));
  }

  static int iterCreate(int linkFd) {
    return Calls.plain(() -> (int) ITER_CREATE.invokeExact(linkFd));
  }

  static int progAttach(int programFd, int targetFd, int attachType, int flags) {
    return Calls.plain(() -> (int) PROG_ATTACH.invokeExact(programFd, targetFd, attachType, flags));
  }

  /**
   * Loads a program that answers 1, which every type allows.
   *
   * @param target the BTF id of the kernel's function that it attaches to; 0 if there is none
   */
  static int progLoad(int type, int attachType, int target) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment options = arena.allocate(LOAD_OPTS_BYTES, 8);
      options.set(JAVA_LONG, 0, LOAD_OPTS_BYTES);
      options.set(JAVA_INT, LOAD_OPTS_ATTACH_TYPE, attachType);
      options.set(JAVA_INT, LOAD_OPTS_ATTACH_BTF_ID, target);
      return (int)
          PROG_LOAD.invokeExact(
              type,
              arena.allocateFrom("up_try"),
              arena.allocateFrom("Dual BSD/GPL"),
              arena.allocateFrom(JAVA_LONG, ANSWER_ONE),
              (long) ANSWER_ONE.length,
              options);
    } catch (Throwable t) {
      throw Symbols.unexpected(t);
    }
  }

  static int possibleCpus() {
    return Calls.plain(() -> (int) POSSIBLE_CPUS.invokeExact());
  }

  /** Throws for a negative result of the named call, else gives it back. */
  static int check(int result, String call) throws NativeException {
    if (result < 0) {
      throw new NativeException(call, -result);
    }
    return result;
  }

  private static MethodHandle intCall(String name, MemoryLayout... arguments) {
    return Symbols.plain(LibBpf.symbols(), name, FunctionDescriptor.of(JAVA_INT, arguments));
  }
}
