/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.weave;

import net.bytebuddy.jar.asm.MethodVisitor;

/** Before the first instruction, the bridge is told an event. */
final class EnterHook extends Hook {
  private final int event;
  private final Load fd;

  EnterHook(String method, int event, Load fd) {
    super(method, fd);
    this.event = event;
    this.fd = fd;
  }

  @Override
  Weaving weaving(MethodVisitor to, Site site) {
    return new Weaving(to, site) {
      @Override
      public void visitCode() {
        super.visitCode();
        load(fd);
        event(event, null, null);
      }
    };
  }
}
