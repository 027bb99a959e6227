/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.accel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.ffm.LoadException;
import io.underpass.kernel.BuiltObject;
import io.underpass.kernel.Pins;
import io.underpass.testing.KernelTest;
import io.underpass.testing.Pinning;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A verifier that rejects one program: the helper goes on without, or says which one it needs. */
@KernelTest
class LoadedObjectTest {
  /** Offsets in an ELF64 file's header, in the header of a section, and in a symbol (elf.h). */
  private static final int SECTION_HEADERS = 0x28;

  private static final int SECTION_COUNT = 0x3c;
  private static final int SECTION_SIZE = 64;
  private static final int SECTION_TYPE = 4;
  private static final int SECTION_OFFSET = 24;
  private static final int SECTION_BYTES = 32;
  private static final int SECTION_LINK = 40;
  private static final int SYMBOL_TABLE = 2;
  private static final int SYMBOL_SECTION = 6;
  private static final int SYMBOL_VALUE = 8;
  private static final int SYMBOL_CODE_BYTES = 16;
  private static final int SYMBOL_SIZE = 24;

  /** {@code r0 = 0} where a program ends, and must not fall out of itself. */
  private static final long REJECTED = 0xb7;

  private static final int INSTRUCTION = 8;

  @Test
  void withoutAProgramThatVisitsFilesTheOthersAreLoaded() throws Exception {
    List<String> trouble = new ArrayList<>();
    LoadedObject loaded = load("up_claim", trouble);
    loaded.object().close();
    assertFalse(loaded.visitsFiles());
    assertEquals(1, trouble.size());
    String line = trouble.getFirst();
    assertTrue(
        line.startsWith("the kernel rejects up_claim (kind iter/task_file), one of those"), line);
    assertTrue(line.contains("last insn is not an exit"), line);
  }

  @Test
  void withoutTheVerdictNothingIs() {
    List<String> trouble = new ArrayList<>();
    LoadException e = assertThrows(LoadException.class, () -> load("up_verdict", trouble));
    assertEquals("up_verdict", e.rejected().orElseThrow().name());
    assertEquals(List.of(), trouble);
  }

  /** The built object, with this program's last instruction replaced. */
  private static LoadedObject load(String program, List<String> trouble) throws Exception {
    byte[] image = BuiltObject.DATAPATH.image();
    ByteBuffer elf = ByteBuffer.wrap(image).order(ByteOrder.LITTLE_ENDIAN);
    elf.putLong(endOf(program, elf) - INSTRUCTION, REJECTED);
    Path pins = Pinning.newFolder();
    try {
      return LoadedObject.load(
          image, Tuning.DEFAULT, new Pins(pins, BuiltObject.DATAPATH), trouble::add);
    } finally {
      Pinning.remove(pins);
    }
  }

  /** Where a program ends in the file, by the symbol table. */
  private static int endOf(String program, ByteBuffer elf) {
    for (int i = 0; i < elf.getShort(SECTION_COUNT); i++) {
      int section = section(elf, i);
      if (elf.getInt(section + SECTION_TYPE) != SYMBOL_TABLE) {
        continue;
      }
      int symbols = (int) elf.getLong(section + SECTION_OFFSET);
      int end = symbols + (int) elf.getLong(section + SECTION_BYTES);
      int names =
          (int) elf.getLong(section(elf, elf.getInt(section + SECTION_LINK)) + SECTION_OFFSET);
      for (int symbol = symbols; symbol < end; symbol += SYMBOL_SIZE) {
        if (program.equals(text(elf, names + elf.getInt(symbol)))) {
          int code = section(elf, elf.getShort(symbol + SYMBOL_SECTION));
          return (int)
              (elf.getLong(code + SECTION_OFFSET)
                  + elf.getLong(symbol + SYMBOL_VALUE)
                  + elf.getLong(symbol + SYMBOL_CODE_BYTES));
        }
      }
    }
    throw new AssertionError("no symbol " + program);
  }

  private static int section(ByteBuffer elf, int index) {
    return (int) elf.getLong(SECTION_HEADERS) + index * SECTION_SIZE;
  }

  private static String text(ByteBuffer elf, int at) {
    int end = at;
    while (elf.get(end) != 0) {
      end++;
    }
    return StandardCharsets.US_ASCII.decode(elf.slice(at, end - at)).toString();
  }
}
