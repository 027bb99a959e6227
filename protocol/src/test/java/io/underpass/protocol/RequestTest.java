/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.Version;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RequestTest {
  @Test
  void everyRequestSurvivesTheWire() throws Exception {
    for (Request request :
        new Request[] {
          Request.register("auto"),
          Request.register("on"),
          Request.totals(),
          Request.flows(1),
          Request.flows(Wire.MAX_FLOWS),
          Request.status(),
          Request.ports(5),
          Request.ports("blue"),
          Request.ports("blue", 8080),
          Request.register("on", wish("blue", "*", "80;8080-8090", "auto")),
          Request.register("on", wish("a.b-C_9", "8080", "", "fd00::7")),
          Request.registerWithoutDatagrams("on", wish("blue", "8080", "", "")),
          Request.registerForPorts(wish("blue", "8080", "", "")),
          Request.datagrams(),
        }) {
      assertEquals(request, Request.parse(line(request)));
    }
  }

  @Test
  void aRegistrationKeepsItsWish() throws Exception {
    GroupWish wish = wish("blue", "8080;9000-9100", "8080", "127.20.0.7");
    String line = line(Request.register("on", wish));
    assertEquals(
        "REGISTER proto=1 agent="
            + Version.VERSION
            + " enabled=on group=blue ports=8080%3B9000-9100 publish=8080"
            + " identity=127.20.0.7",
        line);
    assertEquals(wish, Request.parse(line).wish());
    assertTrue(Request.parse(line).hasDatagrams());
    assertFalse(Request.registerWithoutDatagrams("on", wish).hasDatagrams());
    assertNull(Request.parse(line(Request.register("on"))).wish());
    assertTrue(Request.parse(line(Request.register("on", wish))).accelerates());
    assertFalse(Request.parse(line(Request.registerForPorts(wish))).accelerates());
  }

  @ParameterizedTest
  @CsvSource({
    "group=, group=: a group's name has 1 to 16 characters",
    "group=a2345678901234567, group=a2345678901234567: a group's name has 1 to 16 characters",
    "group=blue ports=, ports=: \"\" is no port from 1 to 65535",
    "group=blue ports=70000, ports=70000: \"70000\" is no port from 1 to 65535",
    "group=blue publish=90-80, publish=90-80: the range 90-80 is reversed",
    "group=blue identity=localhost, identity=localhost: it is neither auto nor an address to have for oneself",
    "group=blue identity=0.0.0.0, identity=0.0.0.0: it is neither auto nor an address to have for oneself",
    "group=blue identity=::1, identity=::1: it is neither auto nor an address to have for oneself",
    "ports=8080, ports=8080: there is no group",
    "identity=auto, identity=auto: there is no group",
    "datagrams=later, datagrams=later: there is no group",
    "group=blue datagrams=now, datagrams=now: it is not later",
  })
  void whatIsWrongWithAWishIsNamed(String fields, String message) {
    WireException e =
        assertThrows(
            WireException.class,
            () -> Request.parse("REGISTER proto=1 agent=x enabled=on " + fields));
    assertEquals(ErrorCode.MALFORMED, e.code());
    assertEquals(message, e.getMessage());
  }

  private static GroupWish wish(String group, String ports, String publish, String identity) {
    return new GroupWish(
        group,
        PortRanges.parse(ports),
        publish.isEmpty() ? PortRanges.NONE : PortRanges.parse(publish),
        identity);
  }

  @Test
  void aRequestIsOneLineWithinItsBound() {
    byte[] bytes = Request.register("auto").toBytes();
    assertEquals('\n', bytes[bytes.length - 1]);
    assertEquals(
        "REGISTER proto=1 agent=" + Version.VERSION + " enabled=auto\n",
        new String(bytes, StandardCharsets.US_ASCII));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "NONSENSE",
        "status",
        "STATUS ",
        "STATUS  ",
        " STATUS",
        "STATUS x=1",
        "STATUS x",
        "STATUS =",
        "STATUS =1",
        "TOTALS limit=5",
        "FLOWS",
        "FLOWS limit",
        "FLOWS limit=",
        "FLOWS limit=0",
        "FLOWS limit=1001",
        "FLOWS limit=-1",
        "FLOWS limit=+1",
        "FLOWS limit=1.0",
        "FLOWS limit=0x10",
        "FLOWS limit=99999999999999999999",
        "FLOWS limit=18446744073709551615",
        "FLOWS limit=9223372036854775808",
        "FLOWS limit=1 limit=1",
        "FLOWS  limit=1",
        "FLOWS limit=1 ",
        "FLOWS limit=1 other=2",
        "FLOWS\tlimit=1",
        "FLOWS limit=%",
        "FLOWS limit=%3",
        "FLOWS limit=%G1",
        "FLOWS limit=%-1",
        "FLOWS limit=%FF",
        "FLOWS limit=%C0%80",
        "FLOWS limit=1=1",
        "FLOWS 1limit=1",
        "FLOWS li%6dit=1",
        "FLOWS limit=\u0661",
        "REGISTER",
        "REGISTER proto=1",
        "REGISTER proto=1 agent=1 enabled=off",
        "REGISTER proto=1 agent=1 enabled=ports",
        "REGISTER proto=1 agent= enabled=auto",
        "REGISTER proto=1 agent=1 enabled=AUTO",
        "REGISTER proto=1 agent=1 enabled=auto uid=0",
        "REGISTER agent=1 enabled=auto",
        "REGISTER proto=one agent=1 enabled=auto",
      })
  void whatIsNoRequestIsMalformed(String line) {
    WireException e = assertThrows(WireException.class, () -> Request.parse(line));
    assertEquals(ErrorCode.MALFORMED, e.code());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "REGISTER proto=2 agent=9 enabled=auto",
        "REGISTER proto=0 agent=9 enabled=auto",
        "REGISTER colour=blue proto=7"
      })
  void anotherVersionIsNamedAsSuch(String line) {
    WireException e = assertThrows(WireException.class, () -> Request.parse(line));
    assertEquals(ErrorCode.PROTO, e.code());
  }

  @Test
  void aLongAgentNameIsMalformed() {
    String line = "REGISTER proto=1 enabled=on agent=" + "x".repeat(65);
    assertEquals(
        ErrorCode.MALFORMED, assertThrows(WireException.class, () -> Request.parse(line)).code());
  }

  @Test
  void aRequestOutOfRangeCannotBeMade() {
    assertThrows(IllegalArgumentException.class, () -> Request.flows(0));
    assertThrows(IllegalArgumentException.class, () -> Request.flows(Wire.MAX_FLOWS + 1));
    assertThrows(IllegalArgumentException.class, () -> Request.register("off"));
  }

  @Test
  void randomDamageIsRefusedOrStillARequest() throws Exception {
    Random random = new Random(42);
    byte[] good = Request.register("auto").toBytes();
    for (int round = 0; round < 20_000; round++) {
      byte[] bytes = good.clone();
      for (int i = 0; i <= random.nextInt(3); i++) {
        bytes[random.nextInt(bytes.length - 1)] = (byte) (0x20 + random.nextInt(0x5f));
      }
      String damaged = new String(bytes, 0, bytes.length - 1, StandardCharsets.US_ASCII);
      Request request;
      try {
        request = Request.parse(damaged);
      } catch (WireException e) {
        continue;
      }
      // Whatever got through has to mean the same to whoever reads it next.
      assertEquals(request, Request.parse(line(request)));
    }
  }

  private static String line(Request request) {
    byte[] bytes = request.toBytes();
    return new String(bytes, 0, bytes.length - 1, StandardCharsets.US_ASCII);
  }
}
