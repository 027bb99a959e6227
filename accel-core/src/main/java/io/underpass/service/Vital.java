/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.service;

import java.util.function.Consumer;

/**
 * Threads that the helper is nothing without. One that ends by an exception is no matter of its
 * own: whoever is responsible for the helper is told, and ends it. Thread-safe.
 */
public final class Vital {
  /** The first failure; guarded by this, as is the next. */
  private Throwable failure;

  private Consumer<Throwable> told;

  /** A daemon thread, not started yet. */
  public Thread thread(String name, Runnable body) {
    return Thread.ofPlatform()
        .daemon()
        .name(name)
        .uncaughtExceptionHandler((_, e) -> failed(e))
        .unstarted(body);
  }

  /** Who is to be told; at once, if it has happened already. */
  public synchronized void whenFailed(Consumer<Throwable> who) {
    told = who;
    if (failure != null) {
      who.accept(failure);
    }
  }

  private synchronized void failed(Throwable e) {
    if (failure == null) {
      failure = e;
      if (told != null) {
        told.accept(e);
      }
    }
  }
}
