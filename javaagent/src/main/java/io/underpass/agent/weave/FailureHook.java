/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.weave;

import java.util.ArrayList;
import java.util.List;
import net.bytebuddy.jar.asm.Label;
import net.bytebuddy.jar.asm.MethodVisitor;
import net.bytebuddy.jar.asm.Opcodes;
import net.bytebuddy.jar.asm.Type;

/**
 * Where the method throws an {@code IOException}, the bridge gets it, and the method throws what
 * the bridge returns. Of the hooks of a method this has to be named first: then it covers what the
 * others throw, too.
 */
final class FailureHook extends Hook {
  private static final String FAILURE = "java/io/IOException";

  private final Load fd;
  private final int what;

  /** The method whose call may fail so; null for any. */
  private final String call;

  /**
   * @param what the bridge's {@code WRITE}, {@code READ} or {@code TRANSFER}
   */
  FailureHook(String method, Load fd, int what) {
    this(method, fd, what, null);
  }

  /**
   * Only where the method itself calls a method of that name.
   *
   * @param call its name
   */
  FailureHook(String method, Load fd, int what, String call) {
    super(method, fd);
    this.fd = fd;
    this.what = what;
    this.call = call;
  }

  @Override
  String place() {
    return "no call of " + call;
  }

  @Override
  Weaving weaving(MethodVisitor to, Site site) {
    return new Handler(to, site);
  }

  private final class Handler extends Weaving {
    private final Label start = new Label();
    private final Label handler = new Label();

    /** This, and the arguments, as a stack map frame has them. */
    private final Object[] locals;

    /** Those of {@link #locals}: a long is two. */
    private final int slots;

    private boolean calls = call == null;

    Handler(MethodVisitor to, Site site) {
      super(to, site);
      Type type = Type.getMethodType(method().substring(method().indexOf('(')));
      List<Object> all = new ArrayList<>(List.of(site.type()));
      for (Type argument : type.getArgumentTypes()) {
        all.add(frameOf(argument));
      }
      this.locals = all.toArray();
      this.slots = type.getArgumentsAndReturnSizes() >> 2;
    }

    @Override
    public void visitCode() {
      super.visitCode();
      super.visitLabel(start);
    }

    /** The handler's frame says that the arguments are what the method began with. */
    @Override
    public void visitVarInsn(int opcode, int local) {
      if (opcode >= Opcodes.ISTORE && opcode <= Opcodes.ASTORE && local < slots) {
        site().refuse("changes an argument");
      }
      super.visitVarInsn(opcode, local);
    }

    @Override
    public void visitMethodInsn(int op, String of, String name, String type, boolean itf) {
      calls |= name.equals(call);
      super.visitMethodInsn(op, of, name, type, itf);
    }

    /** Behind the last instruction, and after all handlers that the method has itself. */
    @Override
    public void visitMaxs(int maxStack, int maxLocals) {
      super.visitLabel(handler);
      super.visitFrame(Opcodes.F_FULL, locals.length, locals, 1, new Object[] {FAILURE});
      load(fd);
      super.visitInsn(Opcodes.ICONST_0 + what);
      if (calls) {
        bridge("failed", "(L" + FAILURE + ";Ljava/io/FileDescriptor;I)L" + FAILURE + ";");
      }
      super.visitInsn(Opcodes.ATHROW);
      super.visitTryCatchBlock(start, handler, handler, FAILURE);
      super.visitMaxs(maxStack, maxLocals);
    }
  }

  private static Object frameOf(Type type) {
    return switch (type.getSort()) {
      case Type.BOOLEAN, Type.CHAR, Type.BYTE, Type.SHORT, Type.INT -> Opcodes.INTEGER;
      case Type.LONG -> Opcodes.LONG;
      case Type.FLOAT -> Opcodes.FLOAT;
      case Type.DOUBLE -> Opcodes.DOUBLE;
      default -> type.getInternalName();
    };
  }
}
