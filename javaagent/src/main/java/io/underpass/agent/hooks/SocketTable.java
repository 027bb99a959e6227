package io.underpass.agent.hooks;

import java.io.FileDescriptor;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.util.Collection;
import java.util.Collections;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The open TCP sockets of this JVM, by their file descriptor's object; bounded, and holding none of
 * them alive.
 */
public final class SocketTable {
  /** About 8 MB of records. What comes later has none; it is accelerated if it reads a lot. */
  static final int MAX = 65_536;

  private final ConcurrentHashMap<Object, SocketRecord> records = new ConcurrentHashMap<>();
  private final ReferenceQueue<FileDescriptor> forgotten = new ReferenceQueue<>();

  /**
   * Whether there are connections without a record: from before the agent came, or beyond the
   * bound.
   */
  private volatile boolean strangers;

  SocketTable() {}

  void add(FileDescriptor fd, SocketRecord.Kind kind, SocketRecord.Role role) {
    for (Reference<?> gone = forgotten.poll(); gone != null; gone = forgotten.poll()) {
      records.remove(gone);
    }
    if (records.mappingCount() >= MAX) {
      strangers = true;
      return;
    }
    SocketRecord record = new SocketRecord(fd, forgotten, kind, role);
    records.put(record, record);
  }

  SocketRecord get(FileDescriptor fd) {
    return records.get(new SocketRecord.Probe(fd));
  }

  SocketRecord remove(FileDescriptor fd) {
    return records.remove(new SocketRecord.Probe(fd));
  }

  /** There may be sockets from before the classes were woven. */
  public void expectStrangers() {
    strangers = true;
  }

  boolean hasStrangers() {
    return strangers;
  }

  /** How many there are now. */
  public long size() {
    return records.mappingCount();
  }

  /** Those there are now; changes while it is walked. */
  public Collection<SocketRecord> records() {
    return Collections.unmodifiableCollection(records.values());
  }
}
