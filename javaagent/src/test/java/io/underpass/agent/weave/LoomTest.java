package io.underpass.agent.weave;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.agent.bridge.UnderpassBridge;
import io.underpass.agent.weave.Hook.Load;
import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
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
    Map<String, Integer> expected = new HashMap<>();
    for (Hook hook : target.hooks()) {
      int returns = count(plain, hook.method(), null);
      int calls =
          switch (hook.where()) {
            case EXIT, RESULT, READ, ANSWER -> returns;
            case ENTER, AVAILABLE, SEND_OOB, WRITE, SELECT, FAILURE -> 1;
          };
      expected.merge(hook.method(), calls, Integer::sum);
    }
    expected.forEach(
        (method, calls) -> assertEquals(calls, count(woven, method, JavaBase.BRIDGE), method));
  }

  @ParameterizedTest
  @MethodSource("targets")
  void whatIsWovenVerifies(Target target) throws Exception {
    ClassFile files = ClassFile.of();
    byte[] plain = bytes(target);
    assertEquals(List.of(), files.verify(plain));
    assertEquals(List.of(), files.verify(new Loom(target, plain).weave()));
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
  void aMethodWithAFrameOfItsOwnHasNoPlaceForAHandler() throws Exception {
    Load fd = Load.argument(1, "Ljava/io/FileDescriptor;");
    Hook hook = Hook.failure("catching(Ljava/io/FileDescriptor;)I", fd, UnderpassBridge.WRITE);
    Target target = new Target(FailureTest.DISPATCHER, List.of(hook));
    byte[] plain = bytes(target);
    assertThrows(IllegalStateException.class, () -> new Loom(target, plain).weave());
  }

  @Test
  void whatIsNoClassIsAnException() {
    Target target = Target.ALL.get("sun/nio/ch/NioSocketImpl");
    assertThrows(RuntimeException.class, () -> new Loom(target, new byte[100]).weave());
  }

  static byte[] bytes(Target target) throws IOException {
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
