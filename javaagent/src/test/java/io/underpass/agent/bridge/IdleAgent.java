/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.bridge;

import java.io.FileDescriptor;
import java.io.IOException;
import java.lang.invoke.MethodHandle;

/** An agent that does nothing, for tests that are about one thing that it does. */
public abstract class IdleAgent extends UnderpassBridge {
  /** What {@link UnderpassBridge#writing} writes by. */
  public static void nativeBy(MethodHandle write) {
    writeBy(write);
  }

  @Override
  protected void onEvent(FileDescriptor fd, int what, Object family, boolean flag) {}

  @Override
  protected int onAvailable(FileDescriptor fd, int plain) {
    return plain;
  }

  @Override
  protected void onRead(FileDescriptor fd, boolean blocks) {}

  @Override
  protected void onSelect(int epoll, long events) {}

  @Override
  protected int onLargeWrite(FileDescriptor fd, int size) {
    return 0;
  }

  @Override
  protected boolean hasEnded(FileDescriptor fd) {
    return false;
  }

  @Override
  protected IOException onEnd(FileDescriptor fd) {
    return null;
  }

  @Override
  protected IOException onFailed(FileDescriptor fd, int what, IOException thrown) {
    return thrown;
  }

  @Override
  protected void onPlatformServer(Object server) {}

  @Override
  protected void onSuppressed(Throwable e) {
    throw new AssertionError(e);
  }
}
