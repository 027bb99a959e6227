package io.underpass.agent.hooks;

import io.underpass.agent.weave.JavaBase;
import java.io.FileDescriptor;
import java.lang.invoke.MethodHandle;

/** The numbers of file descriptors; a plain load once compiled. */
final class Descriptors {
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

  /** -1 if it is closed. */
  static int numberOf(FileDescriptor fd) throws Throwable {
    return (int) NUMBER.invokeExact(fd);
  }
}
