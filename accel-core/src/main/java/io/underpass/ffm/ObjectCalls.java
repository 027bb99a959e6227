/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ffm;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BOOLEAN;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * The calls of libbpf 1.x on an object file before and while it is loaded. Signatures are those of
 * {@code bpf/libbpf.h} and {@code bpf/btf.h}.
 */
final class ObjectCalls {
  static {
    BpfCalls.touch();
  }

  private static final MethodHandle OPEN_MEM =
      pointerCall("bpf_object__open_mem", ADDRESS, JAVA_LONG, ADDRESS);
  private static final MethodHandle LOAD = intCall("bpf_object__load", ADDRESS);
  private static final MethodHandle CLOSE =
      Symbols.plain(LibBpf.symbols(), "bpf_object__close", FunctionDescriptor.ofVoid(ADDRESS));
  private static final MethodHandle FIND_MAP =
      pointerCall("bpf_object__find_map_by_name", ADDRESS, ADDRESS);
  private static final MethodHandle FIND_PROGRAM =
      pointerCall("bpf_object__find_program_by_name", ADDRESS, ADDRESS);
  private static final MethodHandle MAP_FD = intCall("bpf_map__fd", ADDRESS);
  private static final MethodHandle MAP_SET_PIN =
      intCall("bpf_map__set_pin_path", ADDRESS, ADDRESS);
  private static final MethodHandle MAP_SET_MAX =
      intCall("bpf_map__set_max_entries", ADDRESS, JAVA_INT);
  private static final MethodHandle MAP_INITIAL =
      pointerCall("bpf_map__initial_value", ADDRESS, ADDRESS);
  private static final MethodHandle NEXT_PROGRAM =
      pointerCall("bpf_object__next_program", ADDRESS, ADDRESS);
  private static final MethodHandle PROGRAM_NAME = pointerCall("bpf_program__name", ADDRESS);
  private static final MethodHandle PROGRAM_SECTION =
      pointerCall("bpf_program__section_name", ADDRESS);
  private static final MethodHandle PROGRAM_TYPE = intCall("bpf_program__type", ADDRESS);
  private static final MethodHandle PROGRAM_FD = intCall("bpf_program__fd", ADDRESS);
  private static final MethodHandle PROGRAM_ATTACH_TYPE =
      intCall("bpf_program__expected_attach_type", ADDRESS);
  private static final MethodHandle PROGRAM_IS_AUTOLOADED =
      Symbols.plain(
          LibBpf.symbols(), "bpf_program__autoload", FunctionDescriptor.of(JAVA_BOOLEAN, ADDRESS));
  private static final MethodHandle PROGRAM_AUTOLOAD =
      intCall("bpf_program__set_autoload", ADDRESS, JAVA_BOOLEAN);
  private static final MethodHandle OBJECT_BTF = pointerCall("bpf_object__btf", ADDRESS);
  private static final MethodHandle KERNEL_BTF = pointerCall("btf__load_vmlinux_btf");
  private static final MethodHandle BTF_FREE =
      Symbols.plain(LibBpf.symbols(), "btf__free", FunctionDescriptor.ofVoid(ADDRESS));
  private static final MethodHandle BTF_FIND =
      intCall("btf__find_by_name_kind", ADDRESS, ADDRESS, JAVA_INT);
  private static final MethodHandle BTF_TYPE = pointerCall("btf__type_by_id", ADDRESS, JAVA_INT);
  private static final MethodHandle BTF_NAME =
      pointerCall("btf__name_by_offset", ADDRESS, JAVA_INT);

  private ObjectCalls() {}

  static MemorySegment openMem(MemorySegment image, MemorySegment options) throws NativeException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment capture = arena.allocate(Symbols.CAPTURE);
      MemorySegment object =
          (MemorySegment) OPEN_MEM.invokeExact(capture, image, image.byteSize(), options);
      if (Symbols.isNull(object)) {
        throw new NativeException(
            "bpf_object__open_mem", Symbols.errno(capture), LibBpfLog.tail(3));
      }
      return object;
    } catch (NativeException e) {
      throw e;
    } catch (Throwable t) {
      throw Symbols.unexpected(t);
    }
  }

  static int load(MemorySegment object) {
    return Calls.plain(() -> (int) LOAD.invokeExact(object));
  }

  static void close(MemorySegment object) {
    try {
      CLOSE.invokeExact(object);
    } catch (Throwable t) {
      throw Symbols.unexpected(t);
    }
  }

  static MemorySegment findMap(MemorySegment object, String name) {
    return find(FIND_MAP, object, name, "map");
  }

  static MemorySegment findProgram(MemorySegment object, String name) {
    return find(FIND_PROGRAM, object, name, "program");
  }

  /** A name that is not in the object is a mistake in this program, not of its surroundings. */
  private static MemorySegment find(
      MethodHandle call, MemorySegment object, String name, String kind) {
    MemorySegment found;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment capture = arena.allocate(Symbols.CAPTURE);
      found = (MemorySegment) call.invokeExact(capture, object, arena.allocateFrom(name));
    } catch (Throwable t) {
      throw Symbols.unexpected(t);
    }
    if (Symbols.isNull(found)) {
      throw new IllegalArgumentException("no " + kind + " " + name + " in the BPF object");
    }
    return found;
  }

  /**
   * The program after this one in the file; NULL after the last.
   *
   * @param program NULL for the first
   */
  static MemorySegment nextProgram(MemorySegment object, MemorySegment program) {
    return Calls.inArena(
        arena ->
            (MemorySegment)
                NEXT_PROGRAM.invokeExact(arena.allocate(Symbols.CAPTURE), object, program));
  }

  static ProgramSpec describe(MemorySegment program) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment capture = arena.allocate(Symbols.CAPTURE);
      MemorySegment name = (MemorySegment) PROGRAM_NAME.invokeExact(capture, program);
      MemorySegment section = (MemorySegment) PROGRAM_SECTION.invokeExact(capture, program);
      return new ProgramSpec(
          Symbols.string(name),
          Symbols.string(section),
          (int) PROGRAM_TYPE.invokeExact(program),
          expectedAttachType(program));
    } catch (Throwable t) {
      throw Symbols.unexpected(t);
    }
  }

  /** Whether a load of the object loads it. */
  static boolean isAutoloaded(MemorySegment program) {
    try {
      return (boolean) PROGRAM_IS_AUTOLOADED.invokeExact(program);
    } catch (Throwable t) {
      throw Symbols.unexpected(t);
    }
  }

  static int mapFd(MemorySegment map) {
    return Calls.plain(() -> (int) MAP_FD.invokeExact(map));
  }

  static int setPinPath(MemorySegment map, String path) {
    return Calls.inArena(arena -> (int) MAP_SET_PIN.invokeExact(map, arena.allocateFrom(path)));
  }

  static int setMaxEntries(MemorySegment map, int entries) {
    return Calls.plain(() -> (int) MAP_SET_MAX.invokeExact(map, entries));
  }

  /** The bytes that a map of global variables will start with; writable until the load. */
  static MemorySegment initialValue(MemorySegment map) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment capture = arena.allocate(Symbols.CAPTURE);
      MemorySegment size = arena.allocate(JAVA_LONG);
      MemorySegment value = (MemorySegment) MAP_INITIAL.invokeExact(capture, map, size);
      if (Symbols.isNull(value)) {
        throw new IllegalArgumentException("the map holds no global variables");
      }
      return Symbols.bytes(value, size.get(JAVA_LONG, 0));
    } catch (IllegalArgumentException e) {
      throw e;
    } catch (Throwable t) {
      throw Symbols.unexpected(t);
    }
  }

  static int programFd(MemorySegment program) {
    return Calls.plain(() -> (int) PROGRAM_FD.invokeExact(program));
  }

  static int expectedAttachType(MemorySegment program) {
    return Calls.plain(() -> (int) PROGRAM_ATTACH_TYPE.invokeExact(program));
  }

  static int setAutoload(MemorySegment program, boolean load) {
    return Calls.plain(() -> (int) PROGRAM_AUTOLOAD.invokeExact(program, load));
  }

  static MemorySegment btf(MemorySegment object) {
    return Calls.inArena(
        arena -> (MemorySegment) OBJECT_BTF.invokeExact(arena.allocate(Symbols.CAPTURE), object));
  }

  /** The kernel's own types, to be given to {@link #free}; NULL if they cannot be read. */
  static MemorySegment kernelBtf() {
    return Calls.inArena(
        arena -> (MemorySegment) KERNEL_BTF.invokeExact(arena.allocate(Symbols.CAPTURE)));
  }

  /** NULL is allowed. */
  static void free(MemorySegment btf) {
    try {
      BTF_FREE.invokeExact(btf);
    } catch (Throwable t) {
      throw Symbols.unexpected(t);
    }
  }

  /** A type's id, or {@code -errno}. */
  static int btfFind(MemorySegment btf, String name, int kind) {
    return Calls.inArena(arena -> (int) BTF_FIND.invokeExact(btf, arena.allocateFrom(name), kind));
  }

  /** The {@code struct btf_type} of an id that {@link #btfFind} gave. */
  static MemorySegment btfType(MemorySegment btf, int id) {
    return Calls.inArena(
        arena -> (MemorySegment) BTF_TYPE.invokeExact(arena.allocate(Symbols.CAPTURE), btf, id));
  }

  static String btfName(MemorySegment btf, int offset) {
    return Calls.inArena(
        arena ->
            Symbols.string(
                (MemorySegment)
                    BTF_NAME.invokeExact(arena.allocate(Symbols.CAPTURE), btf, offset)));
  }

  private static MethodHandle intCall(String name, MemoryLayout... arguments) {
    return Symbols.plain(LibBpf.symbols(), name, Symbols.intOf(arguments));
  }

  private static MethodHandle pointerCall(String name, MemoryLayout... arguments) {
    return Symbols.withErrno(LibBpf.symbols(), name, Symbols.pointerOf(arguments));
  }
}
