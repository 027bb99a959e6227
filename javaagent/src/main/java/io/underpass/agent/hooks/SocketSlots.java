package io.underpass.agent.hooks;

import java.io.FileDescriptor;
import java.lang.ref.WeakReference;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Function;

/**
 * A bounded table of what is remembered of a socket between its reads, or its writes. A socket
 * whose place is taken by another open one is not remembered, and goes without.
 *
 * @param <T> what is remembered, by the identity of the file descriptor's object
 */
final class SocketSlots<T extends WeakReference<FileDescriptor>> {
  /** A power of 2. */
  static final int SIZE = 4096;

  private final AtomicReferenceArray<T> slots = new AtomicReferenceArray<>(SIZE);
  private final Function<FileDescriptor, T> start;

  SocketSlots(Function<FileDescriptor, T> start) {
    this.start = start;
  }

  /** What is remembered of it, at first what {@code start} makes; null where its place is taken. */
  T find(FileDescriptor fd) {
    int place = place(fd);
    T there = slots.getAcquire(place);
    if (there != null) {
      if (there.refersTo(fd)) {
        return there;
      }
      if (!there.refersTo(null)) {
        return null;
      }
    }
    T mine = start.apply(fd);
    return slots.compareAndSet(place, there, mine) ? mine : null;
  }

  /** It is about to be closed: its place is free. */
  void forget(FileDescriptor fd) {
    int place = place(fd);
    T there = slots.getAcquire(place);
    if (there != null && there.refersTo(fd)) {
      slots.compareAndSet(place, there, null);
    }
  }

  private static int place(FileDescriptor fd) {
    return System.identityHashCode(fd) & (SIZE - 1);
  }
}
