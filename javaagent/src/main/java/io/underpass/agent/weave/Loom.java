package io.underpass.agent.weave;

import io.underpass.agent.weave.Hook.Load;
import io.underpass.agent.weave.Hook.Where;
import java.io.IOException;
import java.io.InputStream;
import java.util.HashSet;
import java.util.Set;
import net.bytebuddy.jar.asm.ClassReader;
import net.bytebuddy.jar.asm.ClassVisitor;
import net.bytebuddy.jar.asm.ClassWriter;
import net.bytebuddy.jar.asm.FieldVisitor;
import net.bytebuddy.jar.asm.Label;
import net.bytebuddy.jar.asm.MethodVisitor;
import net.bytebuddy.jar.asm.Opcodes;

/**
 * Weaves one class; a method without a hook is copied as it is.
 *
 * <p>It uses the bytecode reader and writer of Byte Buddy, and not its {@code Advice}: that loads
 * 700 classes, and takes 200 to 300 ms of every JVM's start that opens a socket. What is woven is
 * one static call each, which needs no more.
 */
final class Loom {
  private static final int API = Opcodes.ASM9;

  private final Target target;
  private final ClassReader reader;
  private final ClassWriter writer;

  /** Hooks that found their place. */
  private final Set<Hook> placed = new HashSet<>();

  Loom(Target target, byte[] bytes) {
    this.target = target;
    this.reader = new ClassReader(bytes);
    this.writer = new ClassWriter(reader, 0);
  }

  byte[] weave() throws IOException {
    check();
    reader.accept(new Weaving(), 0);
    for (Hook hook : target.hooks()) {
      if (!placed.contains(hook)) {
        throw new IllegalStateException("has no " + hook.where() + " in " + hook.method());
      }
    }
    return writer.toByteArray();
  }

  /** A class that lacks one member that matters is not woven at all. */
  private void check() throws IOException {
    Set<String> methods = new HashSet<>();
    Set<String> fields = new HashSet<>();
    for (Hook hook : target.hooks()) {
      methods.add(hook.method());
      for (Load load : new Load[] {hook.fd(), hook.family(), hook.flag()}) {
        if (load != null && load.field() != null) {
          fields.add(load.field() + " " + load.descriptor());
        }
      }
    }
    reader.accept(new Check(methods, fields), ClassReader.SKIP_CODE);
    // A field may be a superclass's.
    String above = reader.getSuperName();
    while (!fields.isEmpty() && above != null) {
      try (InputStream in = ClassLoader.getSystemResourceAsStream(above + ".class")) {
        ClassReader superclass = new ClassReader(in);
        superclass.accept(new Check(new HashSet<>(), fields), ClassReader.SKIP_CODE);
        above = superclass.getSuperName();
      }
    }
    if (!methods.isEmpty() || !fields.isEmpty()) {
      throw new IllegalStateException("has no " + methods + fields);
    }
  }

  /** Takes out of the two sets what the class has. */
  private static final class Check extends ClassVisitor {
    private final Set<String> methods;
    private final Set<String> fields;

    Check(Set<String> methods, Set<String> fields) {
      super(API);
      this.methods = methods;
      this.fields = fields;
    }

    @Override
    public FieldVisitor visitField(
        int access, String name, String descriptor, String signature, Object value) {
      fields.remove(name + " " + descriptor);
      return null;
    }

    @Override
    public MethodVisitor visitMethod(
        int access, String name, String descriptor, String signature, String[] exceptions) {
      methods.remove(name + descriptor);
      return null;
    }
  }

  private final class Weaving extends ClassVisitor {
    Weaving() {
      super(API, writer);
    }

    @Override
    public MethodVisitor visitMethod(
        int access, String name, String descriptor, String signature, String[] exceptions) {
      MethodVisitor to = super.visitMethod(access, name, descriptor, signature, exceptions);
      for (Hook hook : target.hooks()) {
        if (hook.method().equals(name + descriptor)) {
          to = new Woven(to, hook);
        }
      }
      return to;
    }
  }

  /** One method with its hook. */
  private final class Woven extends MethodVisitor {
    private static final String NET = "sun/nio/ch/Net";
    private static final String EPOLL_WAIT = "sun/nio/ch/EPollwait(IJII)I";

    /** A copy of the two top words, or the four words of an event or a wait. */
    private static final int MORE_STACK = 4;

    private static final String FAILURE = "java/io/IOException";

    private final Hook hook;

    /** Of {@link Where#FAILURE}. */
    private final Label handler = new Label();

    Woven(MethodVisitor to, Hook hook) {
      super(API, to);
      this.hook = hook;
    }

    @Override
    public void visitCode() {
      super.visitCode();
      if (hook.where() == Where.ENTER) {
        load(hook.fd(), Opcodes.ACONST_NULL);
        event();
      } else if (hook.where() == Where.WRITE) {
        writing();
      } else if (hook.where() == Where.FAILURE) {
        Label start = new Label();
        super.visitTryCatchBlock(start, handler, handler, FAILURE);
        super.visitLabel(start);
      }
    }

    @Override
    public void visitTryCatchBlock(Label start, Label end, Label to, String type) {
      refuseIf(hook.where() == Where.FAILURE);
      super.visitTryCatchBlock(start, end, to, type);
    }

    @Override
    public void visitVarInsn(int opcode, int local) {
      boolean stores = opcode >= Opcodes.ISTORE && opcode <= Opcodes.ASTORE;
      refuseIf(stores && hook.where() == Where.FAILURE);
      super.visitVarInsn(opcode, local);
    }

    @Override
    public void visitFrame(int type, int locals, Object[] local, int onStack, Object[] stack) {
      boolean same = type == Opcodes.F_SAME || type == Opcodes.F_SAME1;
      refuseIf(!same && hook.where() == Where.FAILURE);
      super.visitFrame(type, locals, local, onStack, stack);
    }

    /**
     * The handler's frame says that the locals are those that the method began with: so it has to
     * be everywhere in the method.
     */
    private void refuseIf(boolean unexpected) {
      if (unexpected) {
        throw new IllegalStateException("has more than expected in " + hook.method());
      }
    }

    @Override
    public void visitInsn(int opcode) {
      boolean returns = opcode >= Opcodes.IRETURN && opcode <= Opcodes.RETURN;
      if (returns && hook.where() == Where.EXIT) {
        load(hook.fd(), Opcodes.ACONST_NULL);
        event();
      } else if (returns && hook.where() == Where.READ) {
        load(hook.fd(), Opcodes.ACONST_NULL);
        load(hook.flag(), Opcodes.ICONST_1);
        bridge("reading", "(Ljava/io/FileDescriptor;Z)V");
      } else if (returns && hook.where() == Where.ANSWER) {
        load(hook.fd(), Opcodes.ACONST_NULL);
        String number = hook.method().substring(hook.method().length() - 1);
        bridge("hasRead", "(" + number + "Ljava/io/FileDescriptor;)" + number);
      } else if (returns && hook.where() == Where.RESULT) {
        super.visitInsn(Opcodes.DUP);
        bridge("platformServer", "(Ljava/lang/Object;)V");
      }
      super.visitInsn(opcode);
    }

    @Override
    public void visitMethodInsn(
        int opcode, String owner, String name, String descriptor, boolean isInterface) {
      String call = owner.equals(NET) ? name + descriptor : "";
      if (hook.where() == Where.AVAILABLE && call.equals("available(Ljava/io/FileDescriptor;)I")) {
        super.visitInsn(Opcodes.DUP);
        super.visitMethodInsn(opcode, owner, name, descriptor, isInterface);
        bridge("available", "(Ljava/io/FileDescriptor;I)I");
        return;
      }
      if (hook.where() == Where.SEND_OOB && call.equals("sendOOB(Ljava/io/FileDescriptor;B)I")) {
        super.visitInsn(Opcodes.DUP2);
        super.visitInsn(Opcodes.POP);
        event();
      }
      if (hook.where() == Where.SELECT && (owner + name + descriptor).equals(EPOLL_WAIT)) {
        super.visitInsn(Opcodes.DUP);
        load(hook.fd(), Opcodes.ICONST_0);
        load(hook.flag(), Opcodes.LCONST_0);
        bridge("selecting", "(IIJ)V");
      }
      super.visitMethodInsn(opcode, owner, name, descriptor, isInterface);
    }

    @Override
    public void visitMaxs(int maxStack, int maxLocals) {
      if (hook.where() == Where.FAILURE) {
        failing();
      }
      super.visitMaxs(maxStack + MORE_STACK, maxLocals);
    }

    /** Lets the bridge write, and returns what it answers unless it is 0. */
    private void writing() {
      load(hook.fd(), Opcodes.ACONST_NULL);
      super.visitVarInsn(Opcodes.LLOAD, hook.fd().local() + 1);
      load(hook.flag(), Opcodes.ICONST_0);
      bridge("writing", "(Ljava/io/FileDescriptor;JI)I");
      super.visitInsn(Opcodes.DUP);
      Label asEver = new Label();
      super.visitJumpInsn(Opcodes.IFEQ, asEver);
      super.visitInsn(Opcodes.IRETURN);
      super.visitLabel(asEver);
      super.visitFrame(Opcodes.F_SAME1, 0, null, 1, new Object[] {Opcodes.INTEGER});
      super.visitInsn(Opcodes.POP);
    }

    /** Behind the last instruction: tells the bridge what was thrown, and throws what it says. */
    private void failing() {
      super.visitLabel(handler);
      super.visitFrame(Opcodes.F_SAME1, 0, null, 1, new Object[] {FAILURE});
      load(hook.fd(), Opcodes.ACONST_NULL);
      super.visitInsn(Opcodes.ICONST_0 + hook.event());
      bridge("failed", "(L" + FAILURE + ";Ljava/io/FileDescriptor;I)L" + FAILURE + ";");
      super.visitInsn(Opcodes.ATHROW);
    }

    /** Tells the bridge, with the file descriptor on the stack. */
    private void event() {
      super.visitIntInsn(Opcodes.BIPUSH, hook.event());
      load(hook.family(), Opcodes.ACONST_NULL);
      load(hook.flag(), Opcodes.ICONST_0);
      bridge("event", "(Ljava/io/FileDescriptor;ILjava/lang/Object;Z)V");
    }

    private void bridge(String name, String descriptor) {
      super.visitMethodInsn(Opcodes.INVOKESTATIC, JavaBase.BRIDGE, name, descriptor, false);
      placed.add(hook);
    }

    private void load(Load load, int otherwise) {
      if (load == null) {
        super.visitInsn(otherwise);
      } else if (load.field() == null) {
        boolean number = load.descriptor().length() == 1;
        super.visitVarInsn(number ? Opcodes.ILOAD : Opcodes.ALOAD, load.local());
      } else {
        super.visitVarInsn(Opcodes.ALOAD, load.local());
        if (load.local() != 0) {
          super.visitTypeInsn(Opcodes.CHECKCAST, target.type());
        }
        super.visitFieldInsn(Opcodes.GETFIELD, target.type(), load.field(), load.descriptor());
      }
    }
  }
}
