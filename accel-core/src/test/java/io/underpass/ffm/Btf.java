package io.underpass.ffm;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The structs in the {@code .BTF} section of a little-endian 64-bit ELF file. Formats: elf(5), and
 * Documentation/bpf/btf.rst of the kernel.
 */
final class Btf {
  /** A struct's size and its members' offsets, in bytes. */
  record Struct(int size, Map<String, Integer> offsets) {}

  private static final int KIND_STRUCT = 4;

  /** Words that follow a type's own three, by kind: fixed ones, and so many for each of vlen. */
  private static final int[] FIXED = {0, 1, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0};

  private static final int[] PER_MEMBER = {
    0, 0, 0, 0, 3, 3, 2, 0, 0, 0, 0, 0, 0, 2, 0, 3, 0, 0, 0, 3
  };

  private final Map<String, Struct> structs = new LinkedHashMap<>();

  Btf(byte[] elf) {
    ByteBuffer section = section(ByteBuffer.wrap(elf).order(ByteOrder.LITTLE_ENDIAN), ".BTF");
    // struct btf_header { magic16 version8 flags8 hdr_len type_off type_len str_off str_len }
    int header = section.getInt(4);
    int at = header + section.getInt(8);
    int end = at + section.getInt(12);
    int strings = header + section.getInt(16);
    while (at < end) {
      // struct btf_type { name_off; info; size or type }
      int info = section.getInt(at + 4);
      int kind = info >>> 24 & 0x1f;
      int members = info & 0xffff;
      int size = section.getInt(at + 8);
      String name = string(section, strings + section.getInt(at));
      at += 12;
      if (kind == KIND_STRUCT) {
        Map<String, Integer> offsets = new LinkedHashMap<>();
        for (int i = 0; i < members; i++) {
          // struct btf_member { name_off; type; offset in bits, low 24 }
          String member = string(section, strings + section.getInt(at + 12 * i));
          offsets.put(member, (section.getInt(at + 12 * i + 8) & 0xffffff) / 8);
        }
        structs.putIfAbsent(name, new Struct(size, offsets));
      }
      at += 4 * (FIXED[kind] + PER_MEMBER[kind] * members);
    }
  }

  /** Null if the object has no such struct. */
  Struct struct(String name) {
    return structs.get(name);
  }

  private static ByteBuffer section(ByteBuffer elf, String wanted) {
    long table = elf.getLong(0x28);
    int entry = elf.getShort(0x3a);
    int count = elf.getShort(0x3c);
    int names = (int) table + entry * elf.getShort(0x3e);
    List<String> found = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int at = (int) table + entry * i;
      String name = string(elf, (int) elf.getLong(names + 0x18) + elf.getInt(at));
      found.add(name);
      if (name.equals(wanted)) {
        return elf.slice((int) elf.getLong(at + 0x18), (int) elf.getLong(at + 0x20))
            .order(ByteOrder.LITTLE_ENDIAN);
      }
    }
    throw new AssertionError("no " + wanted + " among " + found);
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
