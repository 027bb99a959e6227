package io.underpass.agent.weave;

import io.underpass.agent.hooks.Hooks;
import net.bytebuddy.asm.AsmVisitorWrapper.ForDeclaredMethods.MethodVisitorWrapper;
import net.bytebuddy.description.method.MethodDescription;
import net.bytebuddy.description.type.TypeDescription;
import net.bytebuddy.implementation.Implementation;
import net.bytebuddy.jar.asm.MethodVisitor;
import net.bytebuddy.jar.asm.Opcodes;
import net.bytebuddy.jar.asm.Type;
import net.bytebuddy.pool.TypePool;
import net.bytebuddy.utility.OpenedClassReader;

/**
 * Hooks two native calls at the place of the call, since advice around the method would run outside
 * its lock, when the file descriptor may already be another socket's: {@code Net.available(fd)}
 * gets its answer looked through afterwards, {@code Net.sendOOB(fd, b)} is announced before.
 */
final class NetCalls implements MethodVisitorWrapper {
  private static final String NET = "sun/nio/ch/Net";
  private static final String HOOKS = Type.getInternalName(Hooks.class);

  private int found;

  /** How many calls were hooked. */
  int found() {
    return found;
  }

  @Override
  public MethodVisitor wrap(
      TypeDescription type,
      MethodDescription method,
      MethodVisitor visitor,
      Implementation.Context context,
      TypePool pool,
      int writerFlags,
      int readerFlags) {
    return new MethodVisitor(OpenedClassReader.ASM_API, visitor) {
      @Override
      public void visitMethodInsn(
          int opcode, String owner, String name, String descriptor, boolean isInterface) {
        String call = opcode == Opcodes.INVOKESTATIC && owner.equals(NET) ? name + descriptor : "";
        switch (call) {
          case "available(Ljava/io/FileDescriptor;)I" -> {
            found++;
            super.visitInsn(Opcodes.DUP);
            super.visitMethodInsn(opcode, owner, name, descriptor, isInterface);
            super.visitMethodInsn(
                opcode, HOOKS, "available", "(Ljava/io/FileDescriptor;I)I", false);
          }
          case "sendOOB(Ljava/io/FileDescriptor;B)I" -> {
            found++;
            super.visitInsn(Opcodes.DUP2);
            super.visitInsn(Opcodes.POP);
            super.visitMethodInsn(
                opcode, HOOKS, "beforeUrgent", "(Ljava/io/FileDescriptor;)V", false);
            super.visitMethodInsn(opcode, owner, name, descriptor, isInterface);
          }
          default -> super.visitMethodInsn(opcode, owner, name, descriptor, isInterface);
        }
      }

      @Override
      public void visitMaxs(int maxStack, int maxLocals) {
        super.visitMaxs(maxStack + 2, maxLocals);
      }
    };
  }
}
