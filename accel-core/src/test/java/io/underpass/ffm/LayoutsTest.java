/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ffm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.Reason;
import io.underpass.accel.Tuning;
import io.underpass.protocol.GroupWish;
import io.underpass.protocol.PortRanges;
import io.underpass.protocol.SocketOptions;
import java.io.InputStream;
import java.lang.reflect.Field;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LayoutsTest {
  private static final Pattern NUMBER =
      Pattern.compile(
          "^(?:#define\\s+(UP_\\w+)\\s+|\\s+(UP_\\w+)\\s*=\\s*)(-?(?:0x[0-9a-f]+|[0-9]+))\\b");

  @ParameterizedTest
  @ValueSource(
      classes = {
        FlowLayouts.Counters.class,
        FlowLayouts.Sock.class,
        Layouts.Jvm.class,
        Layouts.Totals.class,
        Layouts.Rule.class,
        Layouts.Control.class,
        Layouts.Claiming.class,
        FlowLayouts.Half.class,
        FlowLayouts.Visit.class,
        FlowLayouts.Flow.class
      })
  void everyMemberOfAMapsValueIsWhereTheCompiledObjectHasIt(Class<?> layout) throws Exception {
    compare(object("underpass"), layout);
  }

  @ParameterizedTest
  @ValueSource(
      classes = {
        PortLayouts.Range.class,
        PortLayouts.Member.class,
        PortLayouts.Vport.class,
        PortLayouts.Bound.class,
        PortLayouts.Local.class,
        PortLayouts.Identity.class,
        PortLayouts.Holder.class,
        PortLayouts.Share.class
      })
  void everyMemberOfAPortMapsValueIsWhereTheCompiledObjectHasIt(Class<?> layout) throws Exception {
    compare(object("ports"), layout);
  }

  /** An object's BTF has the types of its maps; what an iterator writes is in none. */
  @ParameterizedTest
  @ValueSource(classes = {Layouts.Place.class, Layouts.Caller.class})
  void everyMemberOfAnIteratorsRecordIsWhereTheHeaderHasIt(Class<?> layout, @TempDir Path folder)
      throws Exception {
    compare(
        new Btf(Compiler.bpfWithTypes(folder, headerFile("underpass.h"), List.of(name(layout)))),
        layout);
  }

  private static void compare(Btf compiled, Class<?> layout) throws Exception {
    String name = name(layout);
    Btf.Struct struct = compiled.struct(name);
    assertNotNull(struct, name + " is not in the BTF");
    Map<String, Integer> ours = constants(layout);
    assertEquals(struct.size(), ours.remove("SIZE"), "size of " + name);
    Map<String, Integer> theirs = new HashMap<>();
    struct
        .members()
        .forEach(m -> theirs.put(m.name().toUpperCase(Locale.ROOT), m.bits() / Byte.SIZE));
    theirs.remove("PAD");
    assertEquals(theirs, ours, name);
  }

  @ParameterizedTest
  @ValueSource(classes = {Layouts.class, FlowLayouts.class})
  void everyNumberIsTheHeaders(Class<?> layouts) throws Exception {
    Map<String, Integer> header = header("underpass.h");
    Map<String, Integer> ours = constants(layouts);
    assertTrue(ours.size() > 5);
    ours.forEach((name, value) -> assertEquals(header.get(name), value, name));
  }

  @Test
  void everyNumberOfPortGroupsIsTheHeaders() throws Exception {
    Map<String, Integer> header = header("ports.h");
    Map<String, Integer> ours = constants(PortLayouts.class);
    assertTrue(ours.size() > 5);
    ours.forEach((name, value) -> assertEquals(header.get(name), value, name));
    assertEquals(PortLayouts.UP_GROUP_NAME, GroupWish.MAX_NAME);
    assertEquals(PortLayouts.UP_MAX_RANGES, PortRanges.MAX_RANGES);
  }

  @Test
  void reasonsHaveTheHeadersNamesAndNumbers() throws Exception {
    Map<String, Integer> header = those("UP_REASON_");
    Map<String, Integer> ours = new HashMap<>();
    for (Reason reason : Reason.values()) {
      ours.put(reason.name(), reason.number());
      assertEquals(reason, Reason.ofNumber(reason.number()));
    }
    ours.put("MAX", ours.size());
    assertEquals(header, ours);
  }

  @Test
  void socketOptionsHaveTheHeadersNumbers() throws Exception {
    Map<String, Integer> header = header("underpass.h");
    Map<String, Integer> ours = constants(SocketOptions.class);
    assertEquals(header.get("UP_SOL"), ours.remove("LEVEL"));
    assertEquals(header.get("UP_READER_WAITS"), ours.remove("READER_WAITS"));
    assertEquals(those("UP_OPT_"), ours);
  }

  /** The probe itself does what no program can. */
  @Test
  void faultsHaveTheHeadersNamesAndNumbers() throws Exception {
    Map<String, Integer> ours = new HashMap<>();
    for (Tuning.Fault fault : Tuning.Fault.values()) {
      ours.put(fault.name(), fault.bit);
    }
    assertEquals(Integer.bitCount(ours.values().stream().mapToInt(i -> i).sum()), ours.size());
    ours.keySet().removeAll(Set.of("FIONREAD", "WRITABLE", "HELD", "END"));
    assertEquals(those("UP_FAULT_"), ours);
  }

  private static String name(Class<?> layout) {
    return "up_" + layout.getSimpleName().toLowerCase(Locale.ROOT);
  }

  private static Btf object(String name) throws Exception {
    String resource = "/io/underpass/bpf/" + name + ".bpf.o";
    try (InputStream in = Layouts.class.getResourceAsStream(resource)) {
      assertNotNull(in, "the build compiles the BPF object into the classes");
      return new Btf(in.readAllBytes());
    }
  }

  private static Path headerFile(String name) {
    String root = System.getProperty("underpass.root");
    assertNotNull(root, "the build names the project's folder in underpass.root");
    return Path.of(root, "bpf", name).toAbsolutePath();
  }

  private static Map<String, Integer> header(String name) throws Exception {
    Map<String, Integer> numbers = new HashMap<>();
    for (String line : Files.readAllLines(headerFile(name))) {
      Matcher number = NUMBER.matcher(line);
      if (number.find()) {
        String constant = number.group(1) != null ? number.group(1) : number.group(2);
        numbers.put(constant, Integer.decode(number.group(3)));
      }
    }
    return numbers;
  }

  /** The header's numbers of which the names begin so, by what follows. */
  private static Map<String, Integer> those(String prefix) throws Exception {
    Map<String, Integer> those = new HashMap<>();
    header("underpass.h")
        .forEach(
            (name, number) -> {
              if (name.startsWith(prefix)) {
                those.put(name.substring(prefix.length()), number);
              }
            });
    return those;
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
