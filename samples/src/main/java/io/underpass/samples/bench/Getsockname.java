/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import java.io.FileDescriptor;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.reflect.Method;
import java.nio.channels.Channel;

/** getsockname(2) as the JDK calls it, {@code sun.nio.ch.Net.localAddress}. Needs {@link #FLAG}. */
final class Getsockname {

  /** Opens the JDK's package to this program. */
  static final String FLAG = "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED";

  private Getsockname() {}

  /** Without arguments, of that socket; it answers with an {@code InetSocketAddress}. */
  static MethodHandle of(Channel channel) throws ReflectiveOperationException {
    Method getFd = Class.forName("sun.nio.ch.SelChImpl").getDeclaredMethod("getFD");
    getFd.setAccessible(true);
    Method local =
        Class.forName("sun.nio.ch.Net").getDeclaredMethod("localAddress", FileDescriptor.class);
    local.setAccessible(true);
    return MethodHandles.lookup().unreflect(local).bindTo(getFd.invoke(channel));
  }
}
