/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import io.underpass.helper.SteeredHelper;
import java.io.IOException;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/**
 * Has a process let go and taken up over and over, at random, while it does what it does: whatever
 * call it is in, and however much is unread.
 */
final class Toggler {
  private static final int LONGEST_MILLIS = 8;

  private final SteeredHelper helper;
  private final long pid;
  private final SplittableRandom random;
  private final FutureTask<Void> task = new FutureTask<>((Callable<Void>) this::run);

  /** Guarded by this. */
  private boolean stopping;

  /** Whether it may toggle; guarded by this. */
  private boolean going;

  /** Whether the process is taken up; guarded by this. */
  private boolean taken;

  /** How often it was let go; guarded by this. */
  private int rounds;

  Toggler(SteeredHelper helper, long pid, long seed) {
    this.helper = helper;
    this.pid = pid;
    this.random = new SplittableRandom(seed);
    Thread.ofPlatform().name("toggler-" + pid).daemon().start(task);
  }

  private Void run() throws IOException, InterruptedException {
    while (toggle()) {
      Thread.sleep(random.nextInt(LONGEST_MILLIS));
    }
    return null;
  }

  /** False if it is to stop. */
  private synchronized boolean toggle() throws IOException, InterruptedException {
    while (!going && !stopping) {
      wait();
    }
    if (stopping) {
      return false;
    }
    if (taken) {
      helper.letGo(pid);
      rounds++;
    } else {
      helper.take(pid);
      helper.sweep();
    }
    taken = !taken;
    return true;
  }

  /** The process is taken up, with all that it has now, and stays so until it is to {@link #go}. */
  synchronized void hold() throws IOException {
    going = false;
    if (taken) {
      helper.letGo(pid); // what it has accepted since it was taken up may have been made before
    }
    helper.take(pid);
    taken = true;
  }

  synchronized void go() {
    going = true;
    notifyAll();
  }

  synchronized int rounds() {
    return rounds;
  }

  /** Ends it; throws what went wrong. */
  void stop() throws InterruptedException, ExecutionException {
    synchronized (this) {
      stopping = true;
      notifyAll();
    }
    task.get();
  }
}
