/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.kernel;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Removes what helpers of other versions left, when no process uses it any more: at the start, then
 * now and then while something is left, and at the end.
 */
public final class ForeignPinsWatch implements AutoCloseable {
  /** A look is a few system calls, and nothing waits for it. */
  private static final int LOOK_SECONDS = 10;

  private final Path pins;
  private final Consumer<String> trouble;
  private final CountDownLatch closed = new CountDownLatch(1);

  /** What the last line said. Guarded by this. */
  private String told = "";

  /**
   * @param pins the folder of all of the helper's pins
   */
  public ForeignPinsWatch(Path pins, Consumer<String> trouble) {
    this.pins = pins;
    this.trouble = trouble;
    if (isAnyLeft()) {
      Thread.ofPlatform().daemon().name("underpass-foreign").start(this::watch);
    }
  }

  private void watch() {
    try {
      while (!closed.await(LOOK_SECONDS, TimeUnit.SECONDS) && isAnyLeft()) {
        // Looked, and looks again.
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private synchronized boolean isAnyLeft() {
    try {
      List<Path> used = ForeignPins.removeUnused(pins);
      if (!used.isEmpty()) {
        tell(
            "a helper of another version left "
                + used
                + ", which processes still use; it goes on as it is, and is removed when they have"
                + " closed their sockets");
      }
      return !used.isEmpty();
    } catch (IOException | RuntimeException e) {
      tell("what a helper of another version left cannot be removed: " + e.getMessage());
      return true;
    }
  }

  private void tell(String line) {
    if (!line.equals(told)) {
      told = line;
      trouble.accept(line);
    }
  }

  @Override
  public void close() {
    closed.countDown();
    boolean _ = isAnyLeft();
  }
}
