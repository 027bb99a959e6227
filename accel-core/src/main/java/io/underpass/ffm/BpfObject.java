/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ffm;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A compiled BPF object: opened from its bytes, adjusted, loaded into the kernel, closed.
 *
 * <p>Closing gives up this process's references: maps and programs live on where they are pinned or
 * attached, and go otherwise. One thread at a time.
 */
public final class BpfObject implements AutoCloseable {
  /** The start of struct bpf_object_open_opts: {@code sz}, {@code object_name}. */
  private static final long OPEN_OPTS_BYTES = 16;

  /** enum in linux/btf.h. */
  private static final int BTF_KIND_DATASEC = 15;

  private static final int BTF_TYPE_BYTES = 12;
  private static final int BTF_SECINFO_BYTES = 12;

  private static final int QUOTED_LINES = 4;

  /** {@code struct bpf_object *}; null when closed. */
  private MemorySegment object;

  private BpfObject(MemorySegment object) {
    this.object = object;
  }

  /** Parses an object; the kernel is not asked for anything yet. */
  public static BpfObject open(byte[] image, String name)
      throws NativeException, UnavailableException {
    LibBpf.ensureAvailable();
    LibBpfLog.clear();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = arena.allocate(image.length, 8);
      MemorySegment.copy(image, 0, bytes, JAVA_BYTE, 0, image.length);
      MemorySegment options = arena.allocate(OPEN_OPTS_BYTES, 8);
      options.set(JAVA_LONG, 0, OPEN_OPTS_BYTES);
      options.set(ADDRESS, 8, arena.allocateFrom(name));
      // libbpf copies what it needs while it opens (bpf_object__elf_finish), so the image may go.
      return new BpfObject(ObjectCalls.openMem(bytes, options));
    }
  }

  /**
   * Sets a {@code const volatile} variable of 1, 2, 4 or 8 bytes before the load. The verifier then
   * sees a constant.
   */
  public void setKnob(String variable, long value) {
    MemorySegment rodata = ObjectCalls.initialValue(ObjectCalls.findMap(open(), ".rodata"));
    MemorySegment btf = ObjectCalls.btf(open());
    int id = ObjectCalls.btfFind(btf, ".rodata", BTF_KIND_DATASEC);
    if (id < 0) {
      throw new IllegalArgumentException("the BPF object has no .rodata");
    }
    // struct btf_type { name_off; info (low 16 bits: count); size; } then per variable
    // struct btf_var_secinfo { type; offset; size; }, whose type names the variable.
    MemorySegment section = Symbols.bytes(ObjectCalls.btfType(btf, id), BTF_TYPE_BYTES);
    int count = section.get(JAVA_INT, 4) & 0xffff;
    section = Symbols.bytes(section, BTF_TYPE_BYTES + (long) count * BTF_SECINFO_BYTES);
    for (int i = 0; i < count; i++) {
      long at = BTF_TYPE_BYTES + (long) i * BTF_SECINFO_BYTES;
      MemorySegment type =
          Symbols.bytes(ObjectCalls.btfType(btf, section.get(JAVA_INT, at)), BTF_TYPE_BYTES);
      if (variable.equals(ObjectCalls.btfName(btf, type.get(JAVA_INT, 0)))) {
        // Both supported machines are little-endian, as BPF then is: low bytes come first.
        int bytes = section.get(JAVA_INT, at + 8);
        for (int b = 0; b < bytes; b++) {
          rodata.set(
              JAVA_BYTE,
              section.get(JAVA_INT, at + 4) + (long) b,
              b < Long.BYTES ? (byte) (value >> (8 * b)) : (byte) 0);
        }
        return;
      }
    }
    throw new IllegalArgumentException("no knob " + variable + " in the BPF object");
  }

  /** Changes a map's bound before the load. */
  public void setMaxEntries(String map, int entries) throws NativeException {
    BpfCalls.check(
        ObjectCalls.setMaxEntries(ObjectCalls.findMap(open(), map), entries),
        "bpf_map__set_max_entries " + map);
  }

  /**
   * Before the load: the map is pinned at this path by the load, or, if something is pinned there
   * already, that map is used in its place. {@link #load} fails with EINVAL if it has another type
   * or size.
   */
  public void setPinPath(String map, Path path) throws NativeException {
    BpfCalls.check(
        ObjectCalls.setPinPath(ObjectCalls.findMap(open(), map), path.toString()),
        "bpf_map__set_pin_path " + map);
  }

  /** Before the load: leaves a program out that this kernel need not have. */
  public void skipProgram(String program) throws NativeException {
    BpfCalls.check(
        ObjectCalls.setAutoload(ObjectCalls.findProgram(open(), program), false),
        "bpf_program__set_autoload " + program);
  }

  /** The programs that {@link #load} loads, in the order in which it does. */
  public List<ProgramSpec> programs() {
    List<ProgramSpec> programs = new ArrayList<>();
    for (MemorySegment program = ObjectCalls.nextProgram(open(), MemorySegment.NULL);
        !Symbols.isNull(program);
        program = ObjectCalls.nextProgram(open(), program)) {
      if (ObjectCalls.isAutoloaded(program)) {
        programs.add(ObjectCalls.describe(program));
      }
    }
    return List.copyOf(programs);
  }

  /**
   * Creates the maps and has the verifier look at the programs.
   *
   * @throws LoadException if the kernel refuses; it says what
   */
  public void load() throws LoadException {
    LibBpfLog.clear();
    int result = ObjectCalls.load(open());
    if (result < 0) {
      throw failure(-result);
    }
  }

  private LoadException failure(int errno) {
    // Before the kinds are tried, by which libbpf may say more.
    String log = LibBpfLog.tail(QUOTED_LINES);
    String last = LibBpfLog.lastProgram().orElse("");
    List<ProgramSpec> programs = programs();
    List<RefusedKind> refused;
    try {
      refused = RefusedKind.among(programs);
    } catch (NativeException e) {
      refused = List.of(); // no program is permitted, of whatever kind; libbpf's words say it
    }
    ProgramSpec rejected =
        programs.stream().filter(p -> p.name().equals(last)).findFirst().orElse(null);
    return new LoadException(errno, refused, rejected, log);
  }

  /** A map of the loaded object. It is usable until this object is closed. */
  public BpfMap map(String name) throws NativeException {
    int fd = BpfCalls.check(ObjectCalls.mapFd(ObjectCalls.findMap(open(), name)), "map " + name);
    return BpfMap.ofBorrowed(fd);
  }

  /** A program of the loaded object. It is usable until this object is closed. */
  public BpfProgram program(String name) throws NativeException {
    MemorySegment program = ObjectCalls.findProgram(open(), name);
    int fd = BpfCalls.check(ObjectCalls.programFd(program), "program " + name);
    return new BpfProgram(name, fd, ObjectCalls.expectedAttachType(program));
  }

  private MemorySegment open() {
    if (object == null) {
      throw new IllegalStateException("the BPF object is closed");
    }
    return object;
  }

  @Override
  public void close() {
    if (object != null) {
      ObjectCalls.close(object);
      object = null;
    }
  }
}
