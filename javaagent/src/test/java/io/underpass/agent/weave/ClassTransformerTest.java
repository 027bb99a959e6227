/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.weave;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.underpass.agent.Jdk;
import io.underpass.agent.bridge.UnderpassBridge;
import io.underpass.agent.jdk.JavaBase;
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
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class ClassTransformerTest {
  /** Each hooked class that a JDK has. */
  static List<Arguments> classes() throws IOException {
    List<Arguments> classes = new ArrayList<>();
    for (Jdk jdk : Jdk.both()) {
      for (String type : Targets.ALL.keySet()) {
        if (JdkClasses.of(jdk, type) != null) {
          classes.add(Arguments.of(jdk, type));
        }
      }
    }
    return classes;
  }

  @ParameterizedTest
  @MethodSource("classes")
  void eachHookCallsTheBridgeOnceForEachPlace(Jdk jdk, String type) throws Exception {
    byte[] plain = JdkClasses.of(jdk, type);
    List<Member> members = Targets.ALL.get(type);
    ClassTransformer.Result result = ClassTransformer.transform(type, members, plain);
    Map<String, Integer> expected = new HashMap<>();
    for (Member member : members) {
      if (!result.faults().containsKey(member)) {
        Hook hook = member.hook();
        int calls =
            switch (hook) {
              case ExitHook _, ResultHook _, ReadHook _, AnswerHook _ ->
                  count(plain, hook.method(), null);
              case UrgentHook _ -> count(plain, hook.method(), "sun/nio/ch/Net");
              default -> 1;
            };
        expected.merge(hook.method(), calls, Integer::sum);
      }
    }
    if (expected.isEmpty()) {
      assertNull(result.bytes());
    }
    expected.forEach(
        (method, calls) ->
            assertEquals(calls, count(result.bytes(), method, JavaBase.BRIDGE), method));
  }

  @ParameterizedTest
  @MethodSource("classes")
  void whatIsWovenVerifies(Jdk jdk, String type) throws Exception {
    ClassFile files = ClassFile.of();
    byte[] plain = JdkClasses.of(jdk, type);
    assertEquals(List.of(), files.verify(plain));
    byte[] woven = ClassTransformer.transform(type, Targets.ALL.get(type), plain).bytes();
    if (woven != null) {
      assertEquals(List.of(), files.verify(woven));
    }
  }

  @ParameterizedTest
  @MethodSource("classes")
  void aHookWithoutItsMemberIsLeftOutAndTheOthersAreNot(Jdk jdk, String type) throws Exception {
    byte[] plain = JdkClasses.of(jdk, type);
    List<Member> members = Targets.ALL.get(type);
    Map<Member, String> whole = ClassTransformer.transform(type, members, plain).faults();
    for (Member gone : members) {
      String method = gone.hook().method();
      Map<Member, String> expected = new HashMap<>(whole);
      for (Member member : members) {
        if (member.hook().method().equals(method)) {
          expected.put(member, "has no " + method);
        }
      }
      assertEquals(
          expected,
          ClassTransformer.transform(type, members, without(plain, method)).faults(),
          method);
    }
  }

  @Test
  void aFieldThatIsGoneIsNoticed() throws Exception {
    String type = "sun/nio/ch/SocketChannelImpl";
    byte[] plain = JdkClasses.of(Jdk.current(), type);
    Map<Member, String> faults =
        ClassTransformer.transform(type, Targets.ALL.get(type), without(plain, "family")).faults();
    assertEquals(4, faults.size(), faults::toString);
    faults.values().forEach(f -> assertEquals("has no family Ljava/net/ProtocolFamily;", f));
  }

  @Test
  void aCallThatIsGoneIsNoticed() throws Exception {
    String type = "sun/nio/ch/NioSocketImpl";
    Member moved =
        Member.needed(type, new AvailableHook("supportsUrgentData()Z"), Repair.AVAILABLE);
    ClassTransformer.Result result =
        ClassTransformer.transform(type, List.of(moved), JdkClasses.of(Jdk.current(), type));
    assertEquals(
        Map.of(moved, "supportsUrgentData()Z has no call of Net.available"), result.faults());
    assertNull(result.bytes());
  }

  @Test
  void aMethodThatChangesAnArgumentHasNoPlaceForAHandler() throws Exception {
    Load fd = Load.argument(1, "Ljava/io/FileDescriptor;");
    String method = "changing(Ljava/io/FileDescriptor;)I";
    Member member =
        Member.needed(
            FailureTest.DISPATCHER,
            new FailureHook(method, fd, UnderpassBridge.WRITE),
            Repair.FAILED_WRITE);
    ClassTransformer.Result result =
        ClassTransformer.transform(
            FailureTest.DISPATCHER, List.of(member), bytes(FailureTest.DISPATCHER));
    assertEquals(Map.of(member, method + " changes an argument"), result.faults());
  }

  @Test
  void whatIsNoClassIsAnException() {
    String type = "sun/nio/ch/NioSocketImpl";
    assertThrows(
        RuntimeException.class,
        () -> ClassTransformer.transform(type, Targets.ALL.get(type), new byte[100]));
  }

  /** A class of this test's. */
  static byte[] bytes(String type) throws IOException {
    try (InputStream in = ClassLoader.getSystemResourceAsStream(type + ".class")) {
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
  static byte[] without(byte[] bytes, String member) {
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
