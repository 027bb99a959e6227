/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.weave;

import net.bytebuddy.jar.asm.MethodVisitor;

/** Before each return, the bridge gets the number that is returned, and returns it or throws. */
final class AnswerHook extends Hook {
  private final Load fd;

  AnswerHook(String method, Load fd) {
    super(method, fd);
    this.fd = fd;
  }

  @Override
  Weaving weaving(MethodVisitor to, Site site) {
    String number = method().substring(method().length() - 1);
    return new Weaving(to, site) {
      @Override
      public void visitInsn(int opcode) {
        if (returns(opcode)) {
          load(fd);
          bridge("hasRead", "(" + number + "Ljava/io/FileDescriptor;)" + number);
        }
        super.visitInsn(opcode);
      }
    };
  }
}
