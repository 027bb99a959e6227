/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.helper;

import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Threads for what may hang: each alone, and none of them is there while there is nothing to do.
 */
final class Spare {
  /** A thread that has nothing to do ends after so long. */
  private static final long IDLE_SECONDS = 10;

  private Spare() {}

  /**
   * At most so many, which are made as they are needed. They keep no process from its end.
   *
   * @param name of what they do, one word
   */
  static ThreadPoolExecutor threads(String name, int most) {
    ThreadPoolExecutor threads =
        new ThreadPoolExecutor(
            most,
            most,
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            Thread.ofPlatform().daemon().name("underpass-" + name + "-", 0).factory());
    threads.allowCoreThreadTimeOut(true);
    return threads;
  }
}
