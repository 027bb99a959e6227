/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.child;

/** Virtual threads, in a program that runs on JDKs without them too. */
final class VirtualThreads {
  private VirtualThreads() {}

  static boolean areThere() {
    try {
      Thread.class.getMethod("startVirtualThread", Runnable.class);
      return true;
    } catch (NoSuchMethodException e) {
      return false;
    }
  }

  static void start(Runnable task) {
    try {
      Thread.class.getMethod("startVirtualThread", Runnable.class).invoke(null, task);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  static boolean isCurrent() {
    try {
      return areThere()
          && (boolean) Thread.class.getMethod("isVirtual").invoke(Thread.currentThread());
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }
}
