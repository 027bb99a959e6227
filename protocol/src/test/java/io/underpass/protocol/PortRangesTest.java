/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.underpass.protocol.PortRanges.Range;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PortRangesTest {
  @Test
  void portsAndRangesAreRead() {
    assertEquals(
        List.of(new Range(8080, 8080), new Range(9000, 9100), new Range(1, 65535)),
        PortRanges.parse("8080;9000-9100;1-65535").ranges());
    assertEquals(List.of(new Range(1, 65535)), PortRanges.parse("*").ranges());
    assertEquals(List.of(new Range(1024, 65535)), PortRanges.parse("*").withoutLow().ranges());
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '|',
      value = {
        "||,\"\" is no port from 1 to 65535",
        "0,\"0\" is no port from 1 to 65535",
        "65536,\"65536\" is no port from 1 to 65535",
        "99999999999999999999,\"99999999999999999999\" is no port from 1 to 65535",
        "http,\"http\" is no port from 1 to 65535",
        "80;,\"\" is no port from 1 to 65535",
        "80;*,\"*\" is no port from 1 to 65535",
        "-80,\"\" is no port from 1 to 65535",
        "+80,\"+80\" is no port from 1 to 65535",
        "9100-9000,the range 9100-9000 is reversed",
        "80-90-100,\"90-100\" is no port from 1 to 65535",
        "1;2;3;4;5;6;7;8;9;10;11;12;13;14;15;16;17,there are more than 16 ranges",
      })
  void whatIsWrongIsNamed(String text, String why) {
    assertEquals(
        why,
        assertThrows(IllegalArgumentException.class, () -> PortRanges.parse(text)).getMessage());
  }

  @Test
  void rangesAreComparedWithOthers() {
    PortRanges ports = PortRanges.parse("8080;9000-9100");
    assertNull(ports.firstLow());
    assertEquals(new Range(443, 443), PortRanges.parse("8080;443").firstLow());
    assertNull(ports.firstOutside(PortRanges.parse("8000-9000;9000-9100").ranges()));
    assertEquals(
        new Range(9000, 9100), ports.firstOutside(PortRanges.parse("8080;9001-9100").ranges()));
    assertEquals(9050, ports.firstCommon(new Range(9050, 9200)));
    assertEquals(8080, ports.firstCommon(new Range(1, 65535)));
    assertEquals(0, ports.firstCommon(new Range(8081, 8999)));
  }
}
