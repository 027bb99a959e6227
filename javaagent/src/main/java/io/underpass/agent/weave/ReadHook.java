/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.weave;

import net.bytebuddy.jar.asm.MethodVisitor;
import net.bytebuddy.jar.asm.Opcodes;

/** Before each return of what begins a read, the bridge is told whether the read blocks. */
final class ReadHook extends Hook {
  private final Load fd;
  private final Load blocks;

  /** Of reads that all block. */
  ReadHook(String method, Load fd) {
    super(method, fd);
    this.fd = fd;
    this.blocks = null;
  }

  ReadHook(String method, Load fd, Load blocks) {
    super(method, fd, blocks);
    this.fd = fd;
    this.blocks = blocks;
  }

  @Override
  Weaving weaving(MethodVisitor to, Site site) {
    return new Weaving(to, site) {
      @Override
      public void visitInsn(int opcode) {
        if (returns(opcode)) {
          load(fd);
          load(blocks, Opcodes.ICONST_1);
          bridge("reading", "(Ljava/io/FileDescriptor;Z)V");
        }
        super.visitInsn(opcode);
      }
    };
  }
}
