/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.weave;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.agent.Jdk;
import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What a JDK has places for, and what a weaver says of one that lacks some. */
class WeaverTest {
  private static final String DATAGRAMS = "sun/nio/ch/DatagramChannelImpl";

  static List<Jdk> jdks() {
    return Jdk.both();
  }

  @ParameterizedTest
  @MethodSource("jdks")
  void everyRepairHasItsPlace(Jdk jdk) throws Exception {
    Weaver weaver = woven(jdk, null);
    assertNull(weaver.missingRepair());
    assertEquals(List.of(), weaver.leftOut());
  }

  /** Which repairs are woven where: what the two JDKs differ in. */
  @Test
  void theOldestAndTheNewestCloseAndTransferInOtherPlaces() throws Exception {
    Set<String> newest = places(Jdk.current());
    Set<String> oldest = places(Jdk.oldest());
    Set<String> common = new TreeSet<>(newest);
    common.retainAll(oldest);
    newest.removeAll(common);
    oldest.removeAll(common);
    assertEquals(
        Set.of(
            "close: UnixDispatcher.close",
            "close: UnixDispatcher.implPreClose",
            "a failed write: FileDispatcherImpl.transferTo"),
        newest);
    assertEquals(
        Set.of(
            "close: SocketDispatcher.close",
            "close: SocketDispatcher.preClose",
            "a failed write: FileChannelImpl.transferToDirectlyInternal"),
        oldest);
    assertEquals(
        Set.of(
            "the table of connections: NioSocketImpl.connect",
            "the table of connections: NioSocketImpl.accept",
            "the table of connections: SocketChannelImpl.<init>",
            "the table of connections: SocketChannelImpl.endConnect",
            "the table of connections: SocketChannelImpl.endFinishConnect",
            "the table of connections: AsynchronousSocketChannelImpl.<init>",
            "the table of connections: UnixAsynchronousSocketChannelImpl.setConnected",
            "available(): NioSocketImpl.available",
            "available(): SocketChannelImpl.available",
            "urgent data: NioSocketImpl.sendUrgentData",
            "urgent data: SocketChannelImpl.sendOutOfBandData",
            "a reset told to a read: SocketDispatcher.read",
            "a reset told to a read: SocketDispatcher.readv",
            "a failed write: SocketDispatcher.write",
            "a failed write: SocketDispatcher.writev"),
        common);
  }

  /** Each place of a repair is taken away in turn. */
  @ParameterizedTest
  @MethodSource("jdks")
  void aRepairWithoutItsPlaceIsNamed(Jdk jdk) throws Exception {
    Set<String> taken = new HashSet<>();
    for (List<Member> members : Targets.ALL.values()) {
      for (Member member : members) {
        if (member.repair() != null && has(jdk, member)) {
          String missing = woven(jdk, member).missingRepair();
          assertNotNull(missing, () -> member.hook().method() + " is not missed");
          String fault = member.type().replace('/', '.') + " has no " + member.hook().method();
          assertTrue(missing.contains(fault), missing);
          assertTrue(missing.endsWith(", which the repair of " + member.repair() + " needs"));
          assertTrue(woven(jdk, member).leftOut().contains(fault));
          taken.add(member.repair().name());
        }
      }
    }
    assertEquals(Repair.values().length, taken.size(), taken::toString);
  }

  @ParameterizedTest
  @MethodSource("jdks")
  void whatIsNoRepairIsNotNeeded(Jdk jdk) throws Exception {
    int optional = 0;
    for (List<Member> members : Targets.ALL.values()) {
      for (Member member : members) {
        boolean needed =
            members.stream()
                .anyMatch(
                    m -> m.repair() != null && m.hook().method().equals(member.hook().method()));
        if (!needed && has(jdk, member)) {
          Weaver weaver = woven(jdk, member);
          assertNull(weaver.missingRepair());
          assertEquals(1, weaver.leftOut().size());
          optional++;
        }
      }
    }
    assertTrue(optional > 8, () -> "there are more");
  }

  /** A class without code is a class file that cannot be read. */
  @Test
  void aClassThatCannotBeWovenIsNamed() throws Exception {
    Weaver weaver = woven(Jdk.current(), null);
    weaver.transform(null, null, "sun/nio/ch/NioSocketImpl", null, null, new byte[50]);
    String missing = weaver.missingRepair();
    assertTrue(missing.startsWith("sun.nio.ch.NioSocketImpl could not be woven ("), missing);
  }

  /** Whether or not the class that makes them has a hook. */
  @Test
  void datagramsAreToldBeforeTheFirstOneWhateverIsWoven() throws Exception {
    byte[] bytes = JdkClasses.of(Jdk.current(), DATAGRAMS);
    Member hook =
        Member.optional(
            DATAGRAMS,
            new ExitHook("ensureOpen()V", 0, Load.field("fd", "Ljava/io/FileDescriptor;")));
    for (Map<String, List<Member>> targets :
        List.of(Map.<String, List<Member>>of(), Map.of(DATAGRAMS, List.of(hook)))) {
      AtomicInteger told = new AtomicInteger();
      Weaver weaver = new Weaver(targets, told::incrementAndGet);
      byte[] woven = weaver.transform(null, null, DATAGRAMS, null, null, bytes);
      assertEquals(1, told.get());
      assertEquals(targets.isEmpty(), woven == null);
    }
  }

  /** A weaver that has seen all classes of a JDK, one of them without a member; null for none. */
  private static Weaver woven(Jdk jdk, Member gone) throws IOException {
    Weaver weaver = new Weaver(Targets.ALL, () -> {});
    for (String type : Targets.ALL.keySet()) {
      byte[] bytes = JdkClasses.of(jdk, type);
      if (bytes == null) {
        weaver.isNotThere(type);
        continue;
      }
      if (gone != null && gone.type().equals(type)) {
        bytes = ClassTransformerTest.without(bytes, gone.hook().method());
      }
      weaver.transform(null, null, type, null, null, bytes);
    }
    return weaver;
  }

  /** Whether a hook has a place in that JDK. */
  private static boolean has(Jdk jdk, Member member) throws IOException {
    byte[] bytes = JdkClasses.of(jdk, member.type());
    return bytes != null
        && ClassTransformer.transform(member.type(), List.of(member), bytes).faults().isEmpty();
  }

  /** The repairs, each with the place that it has in that JDK. */
  private static Set<String> places(Jdk jdk) throws IOException {
    Set<String> places = new TreeSet<>();
    for (List<Member> members : Targets.ALL.values()) {
      for (Member member : members) {
        if (member.repair() != null && has(jdk, member)) {
          String method = member.hook().method();
          String type = member.type().substring(member.type().lastIndexOf('/') + 1);
          places.add(
              member.repair() + ": " + type + "." + method.substring(0, method.indexOf('(')));
        }
      }
    }
    return places;
  }
}
