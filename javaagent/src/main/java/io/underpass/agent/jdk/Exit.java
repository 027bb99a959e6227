/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.jdk;

import java.lang.reflect.InvocationTargetException;

/**
 * The end of this JVM, by {@code System.exit}, by a signal such as SIGTERM, or after its last
 * thread.
 *
 * <p>Not a shutdown hook like others: those run all at once, and the application's may read and
 * answer what is open. The JDK runs its own in a row of slots, of which the application's hooks are
 * the second (1), and files that are deleted on exit the last so far (2).
 */
public final class Exit {
  /** The last of {@code java.lang.Shutdown.MAX_SYSTEM_HOOKS}. */
  private static final int LAST_SLOT = 9;

  private Exit() {}

  /**
   * Has {@code action} run after all hooks; {@code Runtime.halt} and SIGKILL leave it out. It must
   * be brief: the JVM waits for it.
   *
   * @throws ReflectiveOperationException where this JDK has no such slot, or it is taken
   */
  public static void atLast(Runnable action) throws ReflectiveOperationException {
    Object access =
        Class.forName("jdk.internal.access.SharedSecrets")
            .getMethod("getJavaLangAccess")
            .invoke(null);
    try {
      Class.forName("jdk.internal.access.JavaLangAccess")
          .getMethod("registerShutdownHook", int.class, boolean.class, Runnable.class)
          .invoke(access, LAST_SLOT, false, action);
    } catch (InvocationTargetException e) {
      // IllegalStateException: this JVM is ending already; InternalError: the slot is taken.
      throw new ReflectiveOperationException(e.getCause());
    }
  }
}
