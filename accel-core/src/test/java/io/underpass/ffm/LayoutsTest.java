package io.underpass.ffm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.Reason;
import java.io.InputStream;
import java.lang.reflect.Field;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LayoutsTest {
  private static final Pattern NUMBER =
      Pattern.compile(
          "^(?:#define\\s+(UP_\\w+)\\s+|\\s+(UP_\\w+)\\s*=\\s*)(0x[0-9a-f]+|[0-9]+)\\b");

  @ParameterizedTest
  @ValueSource(
      classes = {
        Layouts.Counters.class,
        Layouts.Sock.class,
        Layouts.Jvm.class,
        Layouts.Totals.class,
        Layouts.Rule.class,
        Layouts.Control.class
      })
  void everyMemberOfAMapsValueIsWhereTheCompiledObjectHasIt(Class<?> layout) throws Exception {
    compare(object(), layout);
  }

  /** An object's BTF has the types of its maps; what an iterator writes is in none. */
  @ParameterizedTest
  @ValueSource(classes = {Layouts.Pending.class, Layouts.Flow.class})
  void everyMemberOfAnIteratorsRecordIsWhereTheHeaderHasIt(Class<?> layout, @TempDir Path folder)
      throws Exception {
    compare(new Btf(Compiler.bpfWithTypes(folder, headerFile(), List.of(name(layout)))), layout);
  }

  private static void compare(Btf compiled, Class<?> layout) throws Exception {
    String name = name(layout);
    Btf.Struct struct = compiled.struct(name);
    assertNotNull(struct, name + " is not in the BTF");
    Map<String, Integer> ours = constants(layout);
    assertEquals(struct.size(), ours.remove("SIZE"), "size of " + name);
    Map<String, Integer> theirs = new HashMap<>();
    struct.offsets().forEach((member, at) -> theirs.put(member.toUpperCase(Locale.ROOT), at));
    theirs.remove("PAD");
    assertEquals(theirs, ours, name);
  }

  @Test
  void everyNumberIsTheHeaders() throws Exception {
    Map<String, Integer> header = header();
    Map<String, Integer> ours = constants(Layouts.class);
    assertTrue(ours.size() > 5);
    ours.forEach((name, value) -> assertEquals(header.get(name), value, name));
  }

  @Test
  void reasonsHaveTheHeadersOrder() throws Exception {
    Map<String, Integer> header = header();
    for (Reason reason : Reason.values()) {
      assertEquals(reason, Reason.ofNumber(header.get("UP_REASON_" + reason.name())));
    }
    assertEquals(header.get("UP_REASON_MAX"), Reason.values().length);
  }

  private static String name(Class<?> layout) {
    return "up_" + layout.getSimpleName().toLowerCase(Locale.ROOT);
  }

  private static Btf object() throws Exception {
    try (InputStream in = Layouts.class.getResourceAsStream("/io/underpass/bpf/underpass.bpf.o")) {
      assertNotNull(in, "the build compiles the BPF object into the classes");
      return new Btf(in.readAllBytes());
    }
  }

  private static Path headerFile() {
    String root = System.getProperty("underpass.root");
    assertNotNull(root, "the build names the project's folder in underpass.root");
    return Path.of(root, "bpf", "underpass.h").toAbsolutePath();
  }

  private static Map<String, Integer> header() throws Exception {
    Map<String, Integer> numbers = new HashMap<>();
    for (String line : Files.readAllLines(headerFile())) {
      Matcher number = NUMBER.matcher(line);
      if (number.find()) {
        String name = number.group(1) != null ? number.group(1) : number.group(2);
        numbers.put(name, Integer.decode(number.group(3)));
      }
    }
    return numbers;
  }

  private static Map<String, Integer> constants(Class<?> of) throws IllegalAccessException {
    Map<String, Integer> constants = new HashMap<>();
    for (Field field : of.getDeclaredFields()) {
      if (field.getType() == int.class) {
        constants.put(field.getName(), field.getInt(null));
      }
    }
    return constants;
  }
}
