/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.weave;

import net.bytebuddy.jar.asm.MethodVisitor;
import net.bytebuddy.jar.asm.Opcodes;

/**
 * Before each call of {@code EPoll.wait(epoll, events, n, timeout)}, the bridge gets the timeout,
 * and two fields.
 */
final class SelectHook extends Hook {
  private static final String WAIT = "sun/nio/ch/EPollwait(IJII)I";

  private final Load epoll;
  private final Load events;

  SelectHook(String method, Load epoll, Load events) {
    super(method, epoll, events);
    this.epoll = epoll;
    this.events = events;
  }

  @Override
  String place() {
    return "no call of EPoll.wait";
  }

  @Override
  Weaving weaving(MethodVisitor to, Site site) {
    return new Weaving(to, site) {
      @Override
      public void visitMethodInsn(int op, String of, String name, String type, boolean itf) {
        if ((of + name + type).equals(WAIT)) {
          super.visitInsn(Opcodes.DUP);
          load(epoll);
          load(events);
          bridge("selecting", "(IIJ)V");
        }
        super.visitMethodInsn(op, of, name, type, itf);
      }
    };
  }
}
