/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.weave;

import net.bytebuddy.jar.asm.MethodVisitor;
import net.bytebuddy.jar.asm.Opcodes;

/**
 * After each call of {@code Net.available(fd)}, the bridge gets its answer, and answers instead.
 *
 * <p>At the call, since at the method's exit its lock is gone, and the number of the file
 * descriptor may already be another socket's.
 */
final class AvailableHook extends Hook {
  AvailableHook(String method) {
    super(method);
  }

  @Override
  String place() {
    return "no call of Net.available";
  }

  @Override
  Weaving weaving(MethodVisitor to, Site site) {
    return new Weaving(to, site) {
      @Override
      public void visitMethodInsn(int op, String of, String name, String type, boolean itf) {
        boolean place = of.equals("sun/nio/ch/Net") && name.equals("available");
        if (place) {
          super.visitInsn(Opcodes.DUP);
        }
        super.visitMethodInsn(op, of, name, type, itf);
        if (place) {
          bridge("available", "(Ljava/io/FileDescriptor;I)I");
        }
      }
    };
  }
}
