/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.weave;

import io.underpass.agent.jdk.JavaBase;
import net.bytebuddy.jar.asm.MethodVisitor;
import net.bytebuddy.jar.asm.Opcodes;

/** Copies one method, and puts one hook in: what all kinds of hooks need for that. */
abstract class Weaving extends MethodVisitor {
  static final int API = Opcodes.ASM9;

  /** A copy of the two top words, or the four words of an event or a wait. */
  private static final int MORE_STACK = 4;

  private final Site site;

  Weaving(MethodVisitor to, Site site) {
    super(API, to);
    this.site = site;
  }

  @Override
  public void visitMaxs(int maxStack, int maxLocals) {
    super.visitMaxs(maxStack + MORE_STACK, maxLocals);
  }

  final Site site() {
    return site;
  }

  static boolean returns(int opcode) {
    return opcode >= Opcodes.IRETURN && opcode <= Opcodes.RETURN;
  }

  /**
   * Tells the bridge an event, with the file descriptor on the stack.
   *
   * @param family the protocol family; null if it can only be TCP
   * @param flag null for false
   */
  final void event(int event, Load family, Load flag) {
    visitIntInsn(Opcodes.BIPUSH, event);
    load(family, Opcodes.ACONST_NULL);
    load(flag, Opcodes.ICONST_0);
    bridge("event", "(Ljava/io/FileDescriptor;ILjava/lang/Object;Z)V");
  }

  /** The call, which is the place of the hook. */
  final void bridge(String name, String descriptor) {
    // Past the subclass, which may look for calls.
    mv.visitMethodInsn(Opcodes.INVOKESTATIC, JavaBase.BRIDGE, name, descriptor, false);
    site.placed();
  }

  final void load(Load load) {
    boolean number = load.descriptor().length() == 1;
    if (load.field() != null) {
      mv.visitVarInsn(Opcodes.ALOAD, load.local());
      if (load.local() != 0) {
        mv.visitTypeInsn(Opcodes.CHECKCAST, site.type());
      }
      mv.visitFieldInsn(Opcodes.GETFIELD, site.type(), load.field(), load.descriptor());
    } else {
      mv.visitVarInsn(number ? Opcodes.ILOAD : Opcodes.ALOAD, load.local());
    }
  }

  /** Loads it, or the constant of that instruction for null. */
  final void load(Load load, int otherwise) {
    if (load == null) {
      mv.visitInsn(otherwise);
    } else {
      load(load);
    }
  }
}
