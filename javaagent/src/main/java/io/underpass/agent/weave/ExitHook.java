/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.weave;

import net.bytebuddy.jar.asm.MethodVisitor;

/** Before each return, the bridge is told an event; not where the method throws. */
final class ExitHook extends Hook {
  private final int event;
  private final Load fd;
  private final Load family;
  private final Load flag;

  /** Of a socket that can only be TCP. */
  ExitHook(String method, int event, Load fd) {
    this(method, event, fd, null, null);
  }

  /**
   * @param family the protocol family; null if it can only be TCP
   * @param flag what else is told; null for false
   */
  ExitHook(String method, int event, Load fd, Load family, Load flag) {
    super(method, fd, family, flag);
    this.event = event;
    this.fd = fd;
    this.family = family;
    this.flag = flag;
  }

  @Override
  Weaving weaving(MethodVisitor to, Site site) {
    return new Weaving(to, site) {
      @Override
      public void visitInsn(int opcode) {
        if (returns(opcode)) {
          load(fd);
          event(event, family, flag);
        }
        super.visitInsn(opcode);
      }
    };
  }
}
