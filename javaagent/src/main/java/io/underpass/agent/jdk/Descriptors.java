/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.jdk;

import java.io.FileDescriptor;
import java.lang.invoke.MethodHandle;

/** The numbers of file descriptors; a plain load once compiled. */
public final class Descriptors {
  private static final MethodHandle NUMBER;

  static {
    try {
      NUMBER =
          JavaBase.lookup("java.io.FileDescriptor")
              .findGetter(FileDescriptor.class, "fd", int.class);
    } catch (ReflectiveOperationException e) {
      throw new LinkageError("FileDescriptor.fd", e);
    }
  }

  private Descriptors() {}

  /** The number of a descriptor; -1 if it is closed. */
  public static int numberOf(FileDescriptor fd) throws Throwable {
    return (int) NUMBER.invokeExact(fd);
  }
}
