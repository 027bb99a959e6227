/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ffm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What changes the digest of the pinned maps, and what does not. */
class LayoutDigestTest {
  private static final List<String> MAPS =
      List.of("jvms", "socks", "members", "halves", "handshakes", "totals", "control", "events");

  @TempDir private Path folder;

  @BeforeEach
  void copySources() throws IOException {
    Path sources = Path.of(System.getProperty("underpass.root", ".."), "bpf");
    try (Stream<Path> files = Files.list(sources)) {
      for (Path file : files.filter(f -> f.toString().endsWith(".h")).toList()) {
        Files.copy(file, folder.resolve(file.getFileName()));
      }
    }
  }

  /** The maps, and no program. */
  private byte[] compiled() throws Exception {
    return Compiler.bpfOf(folder, "#include \"maps.bpf.h\"\n");
  }

  private void change(String file, String from, String to) throws IOException {
    Path path = folder.resolve(file);
    String text = Files.readString(path);
    assertTrue(text.contains(from), () -> from + " is not there");
    Files.writeString(path, text.replace(from, to));
  }

  private static String text(byte[] image) {
    return LayoutDigest.textOf(image, MAPS);
  }

  /** It has all programs; the one of the test has none. */
  @Test
  void codeMakesNoDifference() throws Exception {
    assertEquals(text(built()), text(compiled()));
    assertEquals(LayoutDigest.of(built(), MAPS), LayoutDigest.of(compiled(), MAPS));
  }

  private static byte[] built() throws IOException {
    try (InputStream in = Layouts.class.getResourceAsStream("/io/underpass/bpf/underpass.bpf.o")) {
      assertNotNull(in, "the build compiles the BPF object into the classes");
      return in.readAllBytes();
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "a knob            | maps.bpf.h  | judge_mask = 63;      | judge_mask = 31;",
        "a map not pinned  | underpass.h | UP_MAX_ROWS 256       | UP_MAX_ROWS 128",
        "its value         | underpass.h | __u32 fd;             | __u64 fd;",
        "a socket option   | underpass.h | UP_OPT_PIN_TCP 1      | UP_OPT_PIN_TCP 9",
        "a comment         | underpass.h | decisions against     | what was decided",
        "a typedef         | underpass.h | __u64 sockets;        | unsigned long long sockets;"
      })
  void whatIsInNoPinnedMapMakesNone(String what, String file, String from, String to)
      throws Exception {
    String before = LayoutDigest.of(compiled(), MAPS);
    change(file, from, to);
    assertEquals(before, LayoutDigest.of(compiled(), MAPS), what);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "a field more      | underpass.h | __u32 segments_out;   | __u32 segments_out; __u32 more;",
        "a field less      | underpass.h | __u64 busy_since_ns;  | /* none */",
        "a field's name    | underpass.h | __u32 segments_in;    | __u32 segments_received;",
        "a field's type    | underpass.h | __u32 segments_in;    | __s32 segments_in;",
        "a field's size    | underpass.h | __u32 segments_in;    | __u64 segments_in;",
        "a nested struct   | underpass.h | __u16 remote_port;    | __u16 remote_port; __u16 more[2];",
        "an enum's number  | underpass.h | UP_PAIRED = 1         | UP_PAIRED = 11",
        "an enum's name    | underpass.h | UP_PAIRED = 1         | UP_COUPLED = 1",
        "a flag            | underpass.h | UP_F_TRIAL = 2        | UP_F_TRIAL = 32",
        "reasons           | underpass.h | UP_REASON_MAX =       | UP_REASON_LAST, UP_REASON_MAX =",
        "a map's size      | underpass.h | UP_MAX_JVMS 1024      | UP_MAX_JVMS 512",
        "a map's type      | maps.bpf.h  | BPF_MAP_TYPE_SOCKHASH | BPF_MAP_TYPE_SOCKMAP",
        "a map's flags     | maps.bpf.h  | BPF_F_CLONE           | BPF_F_RDONLY",
        "a map's key       | maps.bpf.h  | __type(key, struct up_isn) | __type(key, __u64)"
      })
  void whatAPinnedMapHasMakesOne(String what, String file, String from, String to)
      throws Exception {
    String before = LayoutDigest.of(compiled(), MAPS);
    change(file, from, to);
    assertNotEquals(before, LayoutDigest.of(compiled(), MAPS), what);
  }

  /** Two fields of the same type change their places: all sizes and offsets stay. */
  @Test
  void theOrderOfFieldsMakesOne() throws Exception {
    String before = LayoutDigest.of(compiled(), MAPS);
    change("underpass.h", "__u32 segments_in;", "__u32 a_place;");
    change("underpass.h", "__u32 segments_out;", "__u32 segments_in;");
    change("underpass.h", "__u32 a_place;", "__u32 segments_out;");
    assertNotEquals(before, LayoutDigest.of(compiled(), MAPS));
  }

  @Test
  void anotherSetOfMapsHasAnother() throws Exception {
    byte[] image = compiled();
    assertNotEquals(
        LayoutDigest.of(image, MAPS), LayoutDigest.of(image, MAPS.subList(1, MAPS.size())));
    assertEquals(LayoutDigest.of(image, MAPS), LayoutDigest.of(image, MAPS.reversed()));
    assertThrows(
        IllegalArgumentException.class, () -> LayoutDigest.of(image, List.of("no_such_map")));
  }

  @Test
  void theTextHasEachPartOfALayout() throws Exception {
    List<String> lines = text(compiled()).lines().toList();
    for (String line :
        List.of(
            "map totals",
            "  max_entries 1025",
            "  key u32",
            "  value struct up_totals 200",
            "    0 tx struct up_counters 40",
            "      256 switches u64",
            "    384 connections_plain u64[19]")) {
      assertTrue(lines.contains(line), () -> line + " is not in " + lines);
    }
    String state = lines.stream().filter(l -> l.contains(" state enum")).findFirst().orElseThrow();
    assertTrue(state.startsWith("    384 state enum up_state 4{UP_NEW=0, UP_PAIRED=1,"), state);
  }
}
