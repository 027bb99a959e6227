/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ffm;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The types in the {@code .BTF} section of a little-endian 64-bit ELF file, as clang writes it.
 * Formats: elf(5), and Documentation/bpf/btf.rst of the kernel.
 */
public final class Btf {
  private static final int INT = 1;
  private static final int POINTER = 2;
  private static final int ARRAY = 3;
  private static final int STRUCT = 4;
  private static final int UNION = 5;
  private static final int ENUM = 6;
  private static final int TYPEDEF = 8;
  private static final int VOLATILE = 9;
  private static final int CONST = 10;
  private static final int RESTRICT = 11;
  private static final int VAR = 14;
  private static final int DATASEC = 15;
  private static final int TYPE_TAG = 18;

  /** Words that follow a type's own three, by kind: fixed ones, and so many for each of vlen. */
  private static final int[] FIXED = {0, 1, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0};

  private static final int[] PER_MEMBER = {
    0, 0, 0, 0, 3, 3, 2, 0, 0, 0, 0, 0, 0, 2, 0, 3, 0, 0, 0, 3
  };

  private static final int SIGNED = 1 << 24;

  /** A type, without typedefs and qualifiers; others of its types are named by their ids. */
  public sealed interface Type permits Int, Pointer, Array, Struct, Enumeration, Other {}

  /** An integer of so many bytes. */
  public record Int(int bytes, boolean signed) implements Type {}

  /** A pointer to a type. */
  public record Pointer(int to) implements Type {}

  /** An array of {@code count} elements. */
  public record Array(int element, int count) implements Type {}

  /** A struct or a union of so many bytes. */
  public record Struct(String name, boolean union, int size, List<Member> members)
      implements Type {}

  /** A member of a struct, and its offset in bits. */
  public record Member(String name, int type, int bits) {}

  /** An enum of so many bytes, with its names in their order. */
  public record Enumeration(String name, int size, Map<String, Integer> values) implements Type {}

  /** A kind that no shared struct has. */
  public record Other(int kind) implements Type {}

  private final ByteBuffer section;
  private final int strings;

  /** Where each type begins; id 0 is void. */
  private final List<Integer> starts = new ArrayList<>(List.of(-1));

  /** Reads the types of an ELF file. */
  public Btf(byte[] elf) {
    section = section(ByteBuffer.wrap(elf).order(ByteOrder.LITTLE_ENDIAN), ".BTF");
    // struct btf_header { magic16 version8 flags8 hdr_len type_off type_len str_off str_len }
    int header = section.getInt(4);
    int at = header + section.getInt(8);
    int end = at + section.getInt(12);
    strings = header + section.getInt(16);
    while (at < end) {
      starts.add(at);
      at += 12 + 4 * (FIXED[kind(at)] + PER_MEMBER[kind(at)] * members(at));
    }
  }

  // struct btf_type { name_off; info; size or type }

  private String name(int at) {
    return string(section, strings + section.getInt(at));
  }

  private int kind(int at) {
    return section.getInt(at + 4) >>> 24 & 0x1f;
  }

  private int members(int at) {
    return section.getInt(at + 4) & 0xffff;
  }

  private int sizeOrType(int at) {
    return section.getInt(at + 8);
  }

  /** The type with this id. */
  public Type type(int id) {
    if (id == 0) {
      return new Other(0);
    }
    int at = starts.get(id);
    return switch (kind(at)) {
      case INT -> new Int(sizeOrType(at), (section.getInt(at + 12) & SIGNED) != 0);
      case POINTER -> new Pointer(sizeOrType(at));
      // struct btf_array { type; index_type; nelems }
      case ARRAY -> new Array(section.getInt(at + 12), section.getInt(at + 20));
      case STRUCT, UNION -> struct(at);
      case ENUM -> enumeration(at);
      case TYPEDEF, VOLATILE, CONST, RESTRICT, TYPE_TAG -> type(sizeOrType(at));
      default -> new Other(kind(at));
    };
  }

  private Struct struct(int at) {
    List<Member> all = new ArrayList<>();
    for (int i = 0; i < members(at); i++) {
      // struct btf_member { name_off; type; offset in bits, in the low 24 }
      int member = at + 12 + 12 * i;
      int bits = section.getInt(member + 8) & 0xffffff;
      all.add(new Member(name(member), section.getInt(member + 4), bits));
    }
    return new Struct(name(at), kind(at) == UNION, sizeOrType(at), List.copyOf(all));
  }

  private Enumeration enumeration(int at) {
    Map<String, Integer> values = new LinkedHashMap<>();
    for (int i = 0; i < members(at); i++) {
      // struct btf_enum { name_off; val }
      int value = at + 12 + 8 * i;
      values.put(name(value), section.getInt(value + 4));
    }
    return new Enumeration(name(at), sizeOrType(at), values);
  }

  /** The first struct of that name; null if there is none. */
  public Struct struct(String name) {
    for (int at : starts.subList(1, starts.size())) {
      if (kind(at) == STRUCT && name(at).equals(name)) {
        return struct(at);
      }
    }
    return null;
  }

  /**
   * The variables in a section of the object, such as {@code .maps}, with the ids of their types.
   */
  public Map<String, Integer> variables(String in) {
    Map<String, Integer> variables = new LinkedHashMap<>();
    for (int at : starts.subList(1, starts.size())) {
      if (kind(at) != DATASEC || !name(at).equals(in)) {
        continue;
      }
      for (int i = 0; i < members(at); i++) {
        // struct btf_var_secinfo { type; offset; size }
        int variable = starts.get(section.getInt(at + 12 + 12 * i));
        if (kind(variable) == VAR) {
          variables.put(name(variable), sizeOrType(variable));
        }
      }
    }
    return variables;
  }

  private static ByteBuffer section(ByteBuffer elf, String wanted) {
    long table = elf.getLong(0x28);
    int entry = elf.getShort(0x3a);
    int count = elf.getShort(0x3c);
    int names = (int) table + entry * elf.getShort(0x3e);
    for (int i = 0; i < count; i++) {
      int at = (int) table + entry * i;
      if (string(elf, (int) elf.getLong(names + 0x18) + elf.getInt(at)).equals(wanted)) {
        return elf.slice((int) elf.getLong(at + 0x18), (int) elf.getLong(at + 0x20))
            .order(ByteOrder.LITTLE_ENDIAN);
      }
    }
    throw new IllegalArgumentException("the object has no section " + wanted);
  }

  private static String string(ByteBuffer from, int at) {
    int end = at;
    while (from.get(end) != 0) {
      end++;
    }
    byte[] text = new byte[end - at];
    from.get(at, text);
    return new String(text, StandardCharsets.US_ASCII);
  }
}
