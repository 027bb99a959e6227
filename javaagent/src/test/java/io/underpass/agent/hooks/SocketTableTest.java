/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.hooks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.FileDescriptor;
import org.junit.jupiter.api.Test;

class SocketTableTest {
  private final SocketTable table = new SocketTable();

  @Test
  void aRecordIsFoundByItsVeryFileDescriptorUntilItIsRemoved() {
    FileDescriptor one = new FileDescriptor();
    FileDescriptor two = new FileDescriptor();
    table.add(5, one, SocketRecord.Kind.SOCKET, SocketRecord.Role.NONE);
    table.add(6000, two, SocketRecord.Kind.ASYNC, SocketRecord.Role.ACCEPT);
    SocketRecord record = table.get(5, one);
    assertEquals(SocketRecord.Kind.SOCKET, record.kind());
    assertFalse(record.isConnected());
    record.connected();
    assertTrue(record.isConnected());
    assertNull(table.get(6000, one));
    assertNull(table.remove(6000, one));
    assertSame(record, table.remove(5, one));
    assertNull(table.get(5, one));
    assertNull(table.remove(5, one));
    assertEquals(SocketRecord.Role.ACCEPT, table.get(6000, two).role());
    assertEquals(1, table.size());
  }

  @Test
  void aNumberIsItsLastSockets() {
    FileDescriptor forgotten = new FileDescriptor();
    FileDescriptor next = new FileDescriptor();
    table.add(5, forgotten, SocketRecord.Kind.SOCKET, SocketRecord.Role.CONNECT);
    table.add(5, next, SocketRecord.Kind.CHANNEL, SocketRecord.Role.CONNECT);
    assertNull(table.get(5, forgotten));
    assertEquals(SocketRecord.Kind.CHANNEL, table.get(5, next).kind());
    assertEquals(1, table.records().size());
  }

  @Test
  void beyondTheBoundThereIsNoRecordAndItIsKnownThatThereAreOthers() {
    FileDescriptor last = new FileDescriptor();
    table.add(SocketTable.MAX - 1, last, SocketRecord.Kind.CHANNEL, SocketRecord.Role.CONNECT);
    assertFalse(table.hasStrangers());
    FileDescriptor over = new FileDescriptor();
    table.add(SocketTable.MAX, over, SocketRecord.Kind.CHANNEL, SocketRecord.Role.CONNECT);
    assertTrue(table.hasStrangers());
    assertNull(table.get(SocketTable.MAX, over));
    assertNull(table.remove(SocketTable.MAX, over));
    assertEquals(1, table.size());
  }

  @Test
  void aClosedDescriptorHasNoRecord() {
    FileDescriptor closed = new FileDescriptor();
    table.add(-1, closed, SocketRecord.Kind.CHANNEL, SocketRecord.Role.CONNECT);
    assertNull(table.get(-1, closed));
    assertNull(table.remove(-1, closed));
    assertEquals(0, table.size());
  }

  @Test
  void readsRestForAsLongAsTheyAreTold() {
    assertFalse(table.takeRest(1), "nobody is known");
    table.rest(1, 5); // and nothing is kept of it
    assertFalse(table.takeRest(1));
    table.add(1, new FileDescriptor(), SocketRecord.Kind.SOCKET, SocketRecord.Role.ACCEPT);
    assertEquals(SocketRecord.YOUNG_READS, rests(1));
    table.rest(1, 3);
    table.add(2, new FileDescriptor(), SocketRecord.Kind.SOCKET, SocketRecord.Role.ACCEPT);
    table.rest(2, Short.MAX_VALUE);
    assertEquals(3, rests(1));
    assertEquals(Short.MAX_VALUE, rests(2));
    table.rest(1, 7);
    table.add(1, new FileDescriptor(), SocketRecord.Kind.SOCKET, SocketRecord.Role.ACCEPT);
    assertEquals(SocketRecord.YOUNG_READS, rests(1), "the next socket of that number is young");
    assertFalse(table.takeRest(-1));
    assertFalse(table.takeRest(SocketTable.MAX));
    table.rest(SocketTable.MAX, 1);
  }

  private int rests(int number) {
    int reads = 0;
    while (table.takeRest(number)) {
      reads++;
    }
    return reads;
  }

  @Test
  void anAnswerIsGivenOnce() {
    FileDescriptor fd = new FileDescriptor();
    table.add(1, fd, SocketRecord.Kind.SOCKET, SocketRecord.Role.ACCEPT);
    SocketRecord record = table.get(1, fd);
    assertTrue(record.isYoung());
    assertTrue(record.join());
    assertFalse(record.join());
    assertFalse(record.isYoung());
  }
}
