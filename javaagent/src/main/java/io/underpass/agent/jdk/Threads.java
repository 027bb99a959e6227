/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.jdk;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

/** The agent's own threads, and the application's virtual ones, on every JDK. */
public final class Threads {
  /** {@code Thread.isVirtual()}; null where the JDK has no virtual threads. */
  private static final MethodHandle IS_VIRTUAL = isVirtualOf();

  private Threads() {}

  /** Whether the calling thread is a virtual one. */
  public static boolean isVirtual() throws Throwable {
    return IS_VIRTUAL != null && (boolean) IS_VIRTUAL.invokeExact(Thread.currentThread());
  }

  /** Makes a daemon thread that keeps nothing of the application's, and does not start it. */
  public static Thread daemon(String name, Runnable task) {
    Thread thread = new Thread(null, task, name, 0, false);
    thread.setDaemon(true);
    thread.setContextClassLoader(null);
    return thread;
  }

  private static MethodHandle isVirtualOf() {
    try {
      return MethodHandles.publicLookup()
          .findVirtual(Thread.class, "isVirtual", MethodType.methodType(boolean.class));
    } catch (ReflectiveOperationException e) {
      return null;
    }
  }
}
