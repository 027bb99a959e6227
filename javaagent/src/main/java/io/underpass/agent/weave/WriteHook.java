/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.weave;

import net.bytebuddy.jar.asm.Label;
import net.bytebuddy.jar.asm.MethodVisitor;
import net.bytebuddy.jar.asm.Opcodes;

/**
 * Before the first instruction of a method of a descriptor, an address and a size, the bridge may
 * do the method's work, and tells its result; 0: the method does it.
 */
final class WriteHook extends Hook {
  private final Load fd;
  private final Load size;

  WriteHook(String method, Load fd, Load size) {
    super(method, fd, size);
    this.fd = fd;
    this.size = size;
  }

  @Override
  Weaving weaving(MethodVisitor to, Site site) {
    return new Weaving(to, site) {
      @Override
      public void visitCode() {
        super.visitCode();
        load(fd);
        super.visitVarInsn(Opcodes.LLOAD, fd.local() + 1);
        load(size);
        bridge("writing", "(Ljava/io/FileDescriptor;JI)I");
        super.visitInsn(Opcodes.DUP);
        Label asEver = new Label();
        super.visitJumpInsn(Opcodes.IFEQ, asEver);
        super.visitInsn(Opcodes.IRETURN);
        super.visitLabel(asEver);
        super.visitFrame(Opcodes.F_SAME1, 0, null, 1, new Object[] {Opcodes.INTEGER});
        super.visitInsn(Opcodes.POP);
      }
    };
  }
}
