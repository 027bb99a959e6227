/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ffm;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * A digest of what is in some maps of an object: two objects with the same digest can use the same
 * maps.
 *
 * <p>It is made of a text that has, for each map, its type, size and flags, and its key and value:
 * of each struct the names, offsets, sizes and types of all members, and of each enum the names and
 * numbers. All of it comes from the object's BTF, so it does not depend on code or comments, nor on
 * the order of maps.
 */
public final class LayoutDigest {
  /** Members of a map's definition that name a type; the others are numbers. */
  private static final Set<String> TYPES = Set.of("key", "value");

  private static final int DIGEST_BYTES = 8;

  private final Btf btf;
  private final StringBuilder text = new StringBuilder();

  private LayoutDigest(Btf btf) {
    this.btf = btf;
  }

  /**
   * The digest, in 16 hexadecimal digits.
   *
   * @param image the object's ELF file
   * @param maps the names of the maps, each of which the object has
   */
  public static String of(byte[] image, List<String> maps) {
    byte[] digest = sha256(textOf(image, maps).getBytes(StandardCharsets.UTF_8));
    return HexFormat.of().formatHex(digest, 0, DIGEST_BYTES);
  }

  /** What the digest is made of; its lines tell what differs. */
  static String textOf(byte[] image, List<String> maps) {
    LayoutDigest digest = new LayoutDigest(new Btf(image));
    Map<String, Integer> all = digest.btf.variables(".maps");
    for (String map : new TreeSet<>(maps)) {
      if (!(all.containsKey(map)
          && digest.btf.type(all.get(map)) instanceof Btf.Struct definition)) {
        throw new IllegalArgumentException("the object has no map " + map);
      }
      digest.addMap(map, definition);
    }
    return digest.text.toString();
  }

  private void addMap(String name, Btf.Struct definition) {
    text.append("map ").append(name).append('\n');
    definition.members().stream()
        .sorted(Comparator.comparing(Btf.Member::name))
        .forEach(this::addProperty);
  }

  /** {@code __uint} makes a pointer to an array with so many elements, {@code __type} to a type. */
  private void addProperty(Btf.Member member) {
    text.append("  ").append(member.name()).append(' ');
    if (!(btf.type(member.type()) instanceof Btf.Pointer pointer)) {
      throw new IllegalArgumentException(member.name() + " of a map is no pointer");
    }
    if (TYPES.contains(member.name())) {
      addType(pointer.to(), "  ");
    } else if (btf.type(pointer.to()) instanceof Btf.Array number) {
      text.append(number.count());
    } else {
      throw new IllegalArgumentException(member.name() + " of a map is no number");
    }
    text.append('\n');
  }

  private void addType(int id, String indent) {
    switch (btf.type(id)) {
      case Btf.Int integer ->
          text.append(integer.signed() ? 's' : 'u').append(integer.bytes() * Byte.SIZE);
      case Btf.Array array -> {
        addType(array.element(), indent);
        text.append('[').append(array.count()).append(']');
      }
      case Btf.Enumeration e ->
          text.append("enum ").append(e.name()).append(' ').append(e.size()).append(e.values());
      case Btf.Struct struct -> addStruct(struct, indent);
      case Btf.Pointer _ -> throw new IllegalArgumentException("a map has pointers");
      case Btf.Other other ->
          throw new IllegalArgumentException("a map has a type of kind " + other.kind());
    }
  }

  private void addStruct(Btf.Struct struct, String indent) {
    text.append(struct.union() ? "union " : "struct ").append(struct.name());
    text.append(' ').append(struct.size());
    for (Btf.Member member : struct.members()) {
      text.append('\n').append(indent).append("  ");
      text.append(member.bits()).append(' ').append(member.name()).append(' ');
      addType(member.type(), indent + "  ");
    }
  }

  private static byte[] sha256(byte[] bytes) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(bytes);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
