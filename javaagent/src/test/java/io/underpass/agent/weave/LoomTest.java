package io.underpass.agent.weave;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import net.bytebuddy.jar.asm.ClassReader;
import net.bytebuddy.jar.asm.ClassVisitor;
import net.bytebuddy.jar.asm.ClassWriter;
import net.bytebuddy.jar.asm.FieldVisitor;
import net.bytebuddy.jar.asm.MethodVisitor;
import net.bytebuddy.jar.asm.Opcodes;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class LoomTest {
  static List<Target> targets() {
    return List.copyOf(Target.ALL.values());
  }

  @ParameterizedTest
  @MethodSource("targets")
  void eachHookCallsTheBridgeOnceForEachWayOut(Target target) throws Exception {
    byte[] plain = bytes(target);
    byte[] woven = new Loom(target, plain).weave();
    for (Hook hook : target.hooks()) {
      int calls = count(woven, hook.method(), JavaBase.BRIDGE);
      int returns = count(plain, hook.method(), null);
      int expected =
          switch (hook.where()) {
            case EXIT, RESULT, READ -> returns;
            case ENTER, AVAILABLE, SEND_OOB, WRITE, SELECT -> 1;
          };
      assertEquals(expected, calls, hook::toString);
    }
  }

  @ParameterizedTest
  @MethodSource("targets")
  void aClassThatLacksOneMemberIsNotWoven(Target target) throws Exception {
    byte[] plain = bytes(target);
    List<String> members = new ArrayList<>();
    for (Hook hook : target.hooks()) {
      members.add(hook.method());
    }
    for (String member : members) {
      assertThrows(
          IllegalStateException.class, () -> new Loom(target, without(plain, member)).weave());
    }
  }

  @Test
  void aFieldThatIsGoneIsNoticed() throws Exception {
    Target target = Target.ALL.get("sun/nio/ch/SocketChannelImpl");
    byte[] plain = bytes(target);
    IllegalStateException e =
        assertThrows(
            IllegalStateException.class, () -> new Loom(target, without(plain, "family")).weave());
    assertTrue(e.getMessage().contains("family"), e::getMessage);
  }

  @Test
  void aCallThatIsGoneIsNoticed() throws Exception {
    Hook moved = Hook.available("supportsUrgentData()Z");
    Target target = new Target("sun/nio/ch/NioSocketImpl", List.of(moved));
    byte[] plain = bytes(target);
    assertThrows(IllegalStateException.class, () -> new Loom(target, plain).weave());
  }

  @Test
  void whatIsNoClassIsAnException() {
    Target target = Target.ALL.get("sun/nio/ch/NioSocketImpl");
    assertThrows(RuntimeException.class, () -> new Loom(target, new byte[100]).weave());
  }

  private static byte[] bytes(Target target) throws IOException {
    try (InputStream in = ClassLoader.getSystemResourceAsStream(target.type() + ".class")) {
      return in.readAllBytes();
    }
  }

  /** The calls of that class in a method, or its returns for null. */
  private static int count(byte[] bytes, String method, String owner) {
    int[] count = {0};
    MethodVisitor counter =
        new MethodVisitor(Opcodes.ASM9) {
          @Override
          public void visitMethodInsn(int op, String of, String name, String type, boolean itf) {
            count[0] += of.equals(owner) ? 1 : 0;
          }

          @Override
          public void visitInsn(int op) {
            boolean returns = op >= Opcodes.IRETURN && op <= Opcodes.RETURN;
            count[0] += owner == null && returns ? 1 : 0;
          }
        };
    new ClassReader(bytes)
        .accept(
            new ClassVisitor(Opcodes.ASM9) {
              @Override
              public MethodVisitor visitMethod(
                  int access, String name, String type, String generic, String[] exceptions) {
                return method.equals(name + type) ? counter : null;
              }
            },
            0);
    return count[0];
  }

  /** The class without the members of that name, or of that name and descriptor. */
  private static byte[] without(byte[] bytes, String member) {
    ClassWriter writer = new ClassWriter(0);
    new ClassReader(bytes)
        .accept(
            new ClassVisitor(Opcodes.ASM9, writer) {
              @Override
              public FieldVisitor visitField(
                  int access, String name, String type, String generic, Object value) {
                return name.equals(member)
                    ? null
                    : super.visitField(access, name, type, generic, value);
              }

              @Override
              public MethodVisitor visitMethod(
                  int access, String name, String type, String generic, String[] exceptions) {
                return member.equals(name + type)
                    ? null
                    : super.visitMethod(access, name, type, generic, exceptions);
              }
            },
            0);
    return writer.toByteArray();
  }
}
