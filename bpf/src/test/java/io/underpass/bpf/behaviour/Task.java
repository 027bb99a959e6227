/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.behaviour;

import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;

/** Something that runs in a thread of its own. */
final class Task<T> {
  /** What stalls this long stalls for good. */
  private static final int PATIENCE_SECONDS = 60;

  private static final int LOOKS = 3;

  private final FutureTask<T> future;
  private final Thread thread;

  Task(Api api, Callable<T> action) {
    future = new FutureTask<>(action);
    thread = api.threads().start(future);
  }

  Thread thread() {
    return thread;
  }

  boolean isDone() {
    return future.isDone();
  }

  /** Waits until the thread sleeps in a call: it looks so for a while. */
  Task<T> awaitBlocked() throws InterruptedException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    int looks = 0;
    while (looks < LOOKS && !future.isDone()) {
      Thread.sleep(2);
      looks = isBlocked() ? looks + 1 : 0;
      if (System.nanoTime() > end) {
        throw new AssertionError("does not block");
      }
    }
    return this;
  }

  private boolean isBlocked() {
    Thread.State state = thread.getState();
    if (state == Thread.State.WAITING || state == Thread.State.TIMED_WAITING) {
      return true;
    }
    // A platform thread that sleeps in a system call counts as runnable.
    StackTraceElement[] stack = thread.getStackTrace();
    return stack.length > 0
        && stack[0].isNativeMethod()
        && stack[0].getClassName().startsWith("sun.nio.ch.");
  }

  T get() throws Exception {
    try {
      return future.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof Exception cause) {
        throw cause;
      }
      throw e;
    }
  }
}
