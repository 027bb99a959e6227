/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.Reason;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ReplyTest {
  @Test
  void flowsSurviveTheWire() throws Exception {
    List<FlowView> flows = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      flows.add(flow(i, i % 2 == 0, Reason.ofNumber(i % 12)));
    }
    Reply reply =
        parse(Reply.ok(Map.of("total", "50"), flows.stream().map(FlowView::toWire).toList()));
    assertEquals(50, reply.number("total"));
    List<FlowView> seen = new ArrayList<>();
    for (Map<String, String> record : reply.records()) {
      seen.add(FlowView.fromWire(record));
    }
    assertEquals(flows, seen);
  }

  @Test
  void totalsSurviveTheWire() throws Exception {
    Totals totals =
        new Totals(1, 2, 3, 4, 5, 6, Map.of(Reason.NO_PEER, 7L, Reason.SOCKMAP_BUSY, 8L));
    assertEquals(totals, Totals.fromWire(parse(Reply.ok(totals.toWire())).fields()));
    assertEquals(Totals.ZERO, Totals.fromWire(parse(Reply.ok(Totals.ZERO.toWire())).fields()));
  }

  @Test
  void statusSurvivesTheWire() throws Exception {
    Status status =
        new Status(
            "0.1.0",
            HelperState.RUNNING,
            "",
            4711,
            12,
            2,
            30,
            "/sys/fs/bpf/underpass",
            "/sys/fs/cgroup",
            "6.18.0",
            List.of(
                new Probe("order", Probe.Outcome.OK, ""),
                new Probe("fionread", Probe.Outcome.OFF, "it counts 0 of 7 = none"),
                new Probe("half-close", Probe.Outcome.FAILED, "no end of stream")),
            List.of(
                new Status.Registration(1, 100, 65534, 20),
                new Status.Registration(2, 101, -2, 10)),
            List.of(new UserShare(-2, 7, 4, 512, 3)),
            List.of(new Failure("sweep: ENOMEM = 12", 30, 1_700_000_000_000L, 1_700_000_030_000L)));
    assertEquals(status, Status.fromReply(parse(status.toReply())));
  }

  @Test
  void aRefusalCarriesItsCodeAndItsMessage() throws Exception {
    Reply reply = parse(Reply.error(ErrorCode.DENIED, "uid 5 may not register = no"));
    WireException e = assertThrows(WireException.class, reply::orThrow);
    assertEquals(ErrorCode.DENIED, e.code());
    assertEquals("uid 5 may not register = no", e.getMessage());
  }

  /** It goes to terminals, logs and JMX. */
  @Test
  void whatIsSaidMovesNoCursorAndNoLine() throws Exception {
    String[] nasty = {
      "\u001b[2Jx", "a\nb\rc", "\u0000\u007f\u009b", "\u202e\u2028\u200f", "\ud83d\ude00"
    };
    String[] shown = {"?[2Jx", "a?b?c", "???", "???", "??"};
    for (int i = 0; i < nasty.length; i++) {
      Map<String, String> fields = Map.of("reason", nasty[i]);
      Reply reply = parse(Reply.ok(fields, List.of(fields)));
      assertEquals(shown[i], reply.text("reason"));
      assertEquals(shown[i], reply.records().get(0).get("reason"));
      Reply refusal = parse(Reply.error(ErrorCode.INTERNAL, nasty[i]));
      assertEquals(shown[i], assertThrows(WireException.class, refusal::orThrow).getMessage());
    }
    String plain = "caf\u00e9 = 100 %";
    assertEquals(plain, parse(Reply.ok(Map.of("reason", plain))).text("reason"));
    String cut = parse(Reply.ok(Map.of("reason", "x".repeat(3000)))).text("reason");
    assertEquals(Wire.MAX_TEXT, cut.length());
    assertTrue(cut.endsWith("x..."), cut);
  }

  @Test
  void whatANewerHelperAddsIsIgnored() throws Exception {
    Map<String, String> fields = new HashMap<>(flow(1, true, Reason.NONE).toWire());
    fields.put("colour", "blue");
    assertEquals(flow(1, true, Reason.NONE), FlowView.fromWire(fields));
    fields.put("reason", "something-new");
    assertEquals(Reason.FAILED, FlowView.fromWire(fields).reason());
    Map<String, String> totals = new HashMap<>(Totals.ZERO.toWire());
    totals.put("plain.something-new", "3");
    totals.put("plain.failed", "2");
    assertEquals(Map.of(Reason.FAILED, 5L), Totals.fromWire(totals).plain());
    assertEquals(ErrorCode.INTERNAL, ErrorCode.ofWireName("something-new"));
  }

  @Test
  void aFlowThatLacksAFieldIsMalformed() {
    for (String name : flow(1, true, Reason.NONE).toWire().keySet()) {
      Map<String, String> fields = new HashMap<>(flow(1, true, Reason.NONE).toWire());
      fields.remove(name);
      assertThrows(WireException.class, () -> FlowView.fromWire(fields), name);
      fields.put(name, "\u0000");
      if (!name.equals("local") && !name.equals("remote") && !name.equals("reason")) {
        assertThrows(WireException.class, () -> FlowView.fromWire(fields), name);
      }
    }
  }

  @Test
  void linesThatAreNoReplyAreMalformed() {
    for (String text :
        List.of(
            "",
            "ok",
            "OKAY",
            "OK x",
            "ERR",
            "ERR code=denied",
            "ERR message=x",
            "-",
            ".",
            "OK\nrecord",
            "OK\n ",
            "OK\n-x",
            "OK\n..",
            "ERR code=denied message=x\n- a=1")) {
      assertThrows(
          WireException.class,
          () -> {
            Reply.Parser parser = new Reply.Parser();
            for (String line : text.split("\n", -1)) {
              parser.accept(line);
            }
          },
          text);
    }
  }

  @Test
  void aReplyWithoutEndIsCutOff() {
    Reply.Parser parser = new Reply.Parser();
    String line = "- a=" + "x".repeat(Wire.MAX_REPLY_LINE - 5);
    WireException e =
        assertThrows(
            WireException.class,
            () -> {
              parser.accept("OK");
              for (int i = 0; i <= Wire.MAX_REPLY / Wire.MAX_REPLY_LINE; i++) {
                parser.accept(line);
              }
            });
    assertEquals(ErrorCode.TOO_LONG, e.code());
  }

  @Test
  void theLargestReplyFitsItsBound() {
    List<Map<String, String>> records = new ArrayList<>();
    Map<String, String> widest = new HashMap<>(flow(1, true, Reason.SOCKMAP_BUSY).toWire());
    String v6 = "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%eth0]:65535";
    widest.replaceAll((name, value) -> Long.toString(Long.MAX_VALUE));
    widest.put("local", v6);
    widest.put("remote", v6);
    for (int i = 0; i < Wire.MAX_FLOWS; i++) {
      records.add(widest);
    }
    byte[] bytes = Reply.ok(Map.of("total", "1000"), records).toBytes();
    assertTrue(bytes.length < Wire.MAX_REPLY, bytes.length + " bytes");
    assertTrue(Wire.format(widest).length() + 2 < Wire.MAX_REPLY_LINE);
  }

  private static FlowView flow(int i, boolean accelerated, Reason reason) {
    return new FlowView(
        i,
        "127.0.0.1:" + i,
        "[2001:db8::1]:" + i,
        i,
        accelerated,
        reason,
        i * 10L,
        new FlowView.Counters(i, 1, 2, 3),
        new FlowView.Counters(4, 5, 6, Long.MAX_VALUE),
        8,
        9,
        10);
  }

  private static Reply parse(Reply reply) throws WireException {
    Reply.Parser parser = new Reply.Parser();
    Reply whole = null;
    for (String line : new String(reply.toBytes(), StandardCharsets.US_ASCII).lines().toList()) {
      whole = parser.accept(line);
    }
    assertNotNull(whole);
    return whole;
  }
}
