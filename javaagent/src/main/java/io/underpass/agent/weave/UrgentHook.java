/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.weave;

import io.underpass.agent.bridge.UnderpassBridge;
import net.bytebuddy.jar.asm.MethodVisitor;
import net.bytebuddy.jar.asm.Opcodes;

/**
 * Before each call of {@code Net.sendOOB(fd, b)}, the bridge is told; inside the method's lock, as
 * in {@link AvailableHook}.
 */
final class UrgentHook extends Hook {
  UrgentHook(String method) {
    super(method);
  }

  @Override
  String place() {
    return "no call of Net.sendOOB";
  }

  @Override
  Weaving weaving(MethodVisitor to, Site site) {
    return new Weaving(to, site) {
      @Override
      public void visitMethodInsn(int op, String of, String name, String type, boolean itf) {
        if (of.equals("sun/nio/ch/Net") && name.equals("sendOOB")) {
          super.visitInsn(Opcodes.DUP2);
          super.visitInsn(Opcodes.POP);
          event(UnderpassBridge.URGENT, null, null);
        }
        super.visitMethodInsn(op, of, name, type, itf);
      }
    };
  }
}
