/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import net.bytebuddy.jar.asm.ClassReader;
import net.bytebuddy.jar.asm.ClassVisitor;
import net.bytebuddy.jar.asm.ClassWriter;
import net.bytebuddy.jar.asm.MethodVisitor;
import net.bytebuddy.jar.asm.Opcodes;

/** Copies of the agent's jar to which a JDK seems to lack something. */
final class AgentJar {
  private static final String TARGETS = "io/underpass/agent/weave/Targets.class";

  private AgentJar() {}

  /**
   * One that looks for a method {@code noX} in place of each method {@code X}: the JDK stays whole.
   */
  static String thatMisses(Path folder, String method) throws IOException {
    Path jar = Files.copy(Child.JAR, folder.resolve("misses-" + method + ".jar"));
    try (FileSystem files = FileSystems.newFileSystem(jar)) {
      Path targets = files.getPath(TARGETS);
      List<String> renamed = new ArrayList<>();
      ClassReader reader = new ClassReader(Files.readAllBytes(targets));
      ClassWriter writer = new ClassWriter(0);
      reader.accept(new Renaming(writer, method, renamed), 0);
      assertTrue(!renamed.isEmpty(), () -> "there is no hook in " + method);
      Files.write(targets, writer.toByteArray());
    }
    return jar.toString();
  }

  /** One that fails in each call of a method of its own, with a {@code NullPointerException}. */
  static String thatFailsIn(Path folder, String type, String method) throws IOException {
    Path jar = Files.copy(Child.JAR, folder.resolve("fails-in-" + method + ".jar"));
    try (FileSystem files = FileSystems.newFileSystem(jar)) {
      Path file = files.getPath("io/underpass/agent/" + type + ".class");
      ClassReader reader = new ClassReader(Files.readAllBytes(file));
      ClassWriter writer = new ClassWriter(ClassWriter.COMPUTE_MAXS);
      reader.accept(new Failing(writer, method), 0);
      Files.write(file, writer.toByteArray());
    }
    return jar.toString();
  }

  private static final class Failing extends ClassVisitor {
    private final String method;

    Failing(ClassVisitor to, String method) {
      super(Opcodes.ASM9, to);
      this.method = method;
    }

    @Override
    public MethodVisitor visitMethod(
        int access, String name, String type, String generic, String[] exceptions) {
      MethodVisitor to = super.visitMethod(access, name, type, generic, exceptions);
      if (!name.equals(method)) {
        return to;
      }
      return new MethodVisitor(Opcodes.ASM9, to) {
        @Override
        public void visitCode() {
          super.visitCode();
          super.visitInsn(Opcodes.ACONST_NULL);
          super.visitLdcInsn("broken for a test");
          super.visitMethodInsn(
              Opcodes.INVOKESTATIC,
              "java/util/Objects",
              "requireNonNull",
              "(Ljava/lang/Object;Ljava/lang/String;)Ljava/lang/Object;",
              false);
          super.visitInsn(Opcodes.POP);
        }
      };
    }
  }

  private static final class Renaming extends ClassVisitor {
    private final String method;
    private final List<String> renamed;

    Renaming(ClassVisitor to, String method, List<String> renamed) {
      super(Opcodes.ASM9, to);
      this.method = method;
      this.renamed = renamed;
    }

    @Override
    public MethodVisitor visitMethod(
        int access, String name, String type, String generic, String[] exceptions) {
      MethodVisitor to = super.visitMethod(access, name, type, generic, exceptions);
      return new MethodVisitor(Opcodes.ASM9, to) {
        @Override
        public void visitLdcInsn(Object value) {
          if (value instanceof String text && text.startsWith(method + "(")) {
            renamed.add(text);
            super.visitLdcInsn("no" + text);
          } else {
            super.visitLdcInsn(value);
          }
        }
      };
    }
  }
}
