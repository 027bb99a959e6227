/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.weave;

import net.bytebuddy.jar.asm.MethodVisitor;
import net.bytebuddy.jar.asm.Opcodes;

/** Before each return, the bridge gets the platform MBean server that is returned. */
final class ResultHook extends Hook {
  ResultHook(String method) {
    super(method);
  }

  @Override
  Weaving weaving(MethodVisitor to, Site site) {
    return new Weaving(to, site) {
      @Override
      public void visitInsn(int opcode) {
        if (returns(opcode)) {
          super.visitInsn(Opcodes.DUP);
          bridge("platformServer", "(Ljava/lang/Object;)V");
        }
        super.visitInsn(opcode);
      }
    };
  }
}
