package io.underpass.agent.hooks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.FileDescriptor;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class SocketTableTest {
  private final SocketTable table = new SocketTable();

  @Test
  void aRecordIsFoundByItsVeryFileDescriptorUntilItIsRemoved() {
    FileDescriptor one = new FileDescriptor();
    FileDescriptor two = new FileDescriptor();
    table.add(one, SocketRecord.Kind.SOCKET, SocketRecord.Role.NONE);
    table.add(two, SocketRecord.Kind.ASYNC, SocketRecord.Role.ACCEPT);
    SocketRecord record = table.get(one);
    assertEquals(SocketRecord.Kind.SOCKET, record.kind());
    assertFalse(record.isConnected());
    record.connected();
    assertTrue(record.isConnected());
    assertSame(record, table.remove(one));
    assertNull(table.get(one));
    assertNull(table.remove(one));
    assertEquals(SocketRecord.Role.ACCEPT, table.get(two).role());
    assertEquals(1, table.size());
  }

  @Test
  void aFullTableTakesNoMoreAndKnowsThatThereAreOthers() {
    List<FileDescriptor> alive = new ArrayList<>();
    for (int i = 0; i <= SocketTable.MAX; i++) {
      assertFalse(table.hasStrangers());
      FileDescriptor fd = new FileDescriptor();
      alive.add(fd);
      table.add(fd, SocketRecord.Kind.CHANNEL, SocketRecord.Role.CONNECT);
    }
    assertTrue(table.hasStrangers());
    assertEquals(SocketTable.MAX, table.size());
    assertNull(table.get(alive.getLast()));
  }

  @Test
  @Timeout(60)
  void aForgottenSocketLeavesNoRecord() throws Exception {
    table.add(new FileDescriptor(), SocketRecord.Kind.CHANNEL, SocketRecord.Role.CONNECT);
    FileDescriptor kept = new FileDescriptor();
    while (table.size() != 1 || table.get(kept) == null) {
      System.gc();
      Thread.sleep(10);
      table.remove(kept);
      table.add(kept, SocketRecord.Kind.CHANNEL, SocketRecord.Role.CONNECT);
    }
    assertEquals(1, table.records().size());
  }
}
