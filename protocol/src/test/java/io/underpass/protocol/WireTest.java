/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class WireTest {
  @Test
  void anyTextSurvivesTheWire() throws Exception {
    Random random = new Random(7);
    for (int round = 0; round < 2_000; round++) {
      Map<String, String> fields = new LinkedHashMap<>();
      for (int i = random.nextInt(5); i >= 0; i--) {
        fields.put("name" + i, text(random));
      }
      assertEquals(fields, Wire.parse(Wire.format(fields), 0));
    }
  }

  @Test
  void aValueHoldsNoSpaceAndNoLineEnd() {
    String line = Wire.format(Map.of("message", "two words\nand a line = more"));
    assertEquals(" message=two+words%0Aand+a+line+%3D+more", line);
  }

  @Test
  void aNameThatIsNoneCannotBeSent() {
    for (String name : new String[] {"", "1st", "two words", "a=b", "\u00e4", "-x", "a_b"}) {
      assertThrows(IllegalArgumentException.class, () -> Wire.format(Map.of(name, "1")), name);
    }
  }

  @Test
  void moreFieldsThanAnyLineHasAreMalformed() {
    StringBuilder line = new StringBuilder();
    for (int i = 0; i < 65; i++) {
      line.append(" n").append(i).append("=1");
    }
    assertThrows(WireException.class, () -> Wire.parse(line.toString(), 0));
  }

  @Test
  void theWidestNumberPassesAndTheNextDoesNot() throws Exception {
    long max = Long.MAX_VALUE;
    assertEquals(max, Wire.number(Map.of("n", Long.toString(max)), "n", max));
    assertThrows(
        WireException.class, () -> Wire.number(Map.of("n", "9223372036854775808"), "n", max));
    assertThrows(WireException.class, () -> Wire.number(Map.of(), "n", max));
  }

  @Test
  void linesComeOutHoweverTheBytesAreCut() throws Exception {
    byte[] bytes = "one\n\nthree\npart".getBytes(StandardCharsets.US_ASCII);
    for (int cut = 0; cut <= bytes.length; cut++) {
      LineBuffer lines = new LineBuffer(16);
      StringBuilder seen = new StringBuilder();
      for (ByteBuffer part :
          new ByteBuffer[] {
            ByteBuffer.wrap(bytes, 0, cut), ByteBuffer.wrap(bytes, cut, bytes.length - cut)
          }) {
        for (String line = lines.next(part); line != null; line = lines.next(part)) {
          seen.append('[').append(line).append(']');
        }
      }
      assertEquals("[one][][three]", seen.toString());
      assertTrue(lines.isPartial());
    }
  }

  @Test
  void theLongestLinePassesAndTheNextByteIsTooLong() throws Exception {
    LineBuffer lines = new LineBuffer(Wire.MAX_REQUEST);
    String longest = "x".repeat(Wire.MAX_REQUEST - 1);
    assertEquals(longest, lines.next(ascii(longest + "\n")));
    assertFalse(lines.isPartial());
    assertNull(lines.next(ascii(longest)));
    WireException e = assertThrows(WireException.class, () -> lines.next(ascii("x")));
    assertEquals(ErrorCode.TOO_LONG, e.code());
  }

  @Test
  void aByteThatIsNotPrintableIsMalformed() {
    for (byte b : new byte[] {0, '\t', '\r', 0x1f, 0x7f, (byte) 0x80, (byte) 0xff}) {
      WireException e =
          assertThrows(
              WireException.class,
              () -> new LineBuffer(16).next(ByteBuffer.wrap(new byte[] {'a', b})));
      assertEquals(ErrorCode.MALFORMED, e.code());
    }
  }

  private static ByteBuffer ascii(String text) {
    return ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII));
  }

  /** Any text that UTF-8 can carry. */
  private static String text(Random random) {
    StringBuilder text = new StringBuilder();
    for (int i = random.nextInt(20); i > 0; i--) {
      int point = random.nextInt(random.nextBoolean() ? 0x80 : Character.MAX_CODE_POINT + 1);
      if (point < Character.MIN_SURROGATE || point > Character.MAX_SURROGATE) {
        text.appendCodePoint(point);
      }
    }
    return text.toString();
  }
}
