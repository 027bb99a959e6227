/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.weave;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.underpass.agent.bridge.IdleAgent;
import io.underpass.agent.bridge.UnderpassBridge;
import io.underpass.agent.jdk.JavaBase;
import java.io.FileDescriptor;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import net.bytebuddy.jar.asm.ClassReader;
import net.bytebuddy.jar.asm.ClassVisitor;
import net.bytebuddy.jar.asm.ClassWriter;
import net.bytebuddy.jar.asm.MethodVisitor;
import net.bytebuddy.jar.asm.Opcodes;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A class with the methods of the JDK's dispatcher, woven by the same hooks, and run. */
class FailureTest {
  static final String DISPATCHER = "io/underpass/agent/weave/FailureTest$Dispatcher";

  private static final int LARGE = 2 * UnderpassBridge.LARGE_WRITE;

  private static final long END = -1;

  /** What the native method throws; null: it answers. */
  private static final AtomicReference<Throwable> failure = new AtomicReference<>();

  /** How often {@link Dispatcher#handling} went through its {@code finally}. */
  private static final AtomicInteger finished = new AtomicInteger();

  private final FileDescriptor fd = new FileDescriptor();
  private final Agent agent = new Agent();
  private Calls woven;

  /** What is called of it. */
  interface Calls {
    int read(FileDescriptor fd, long address, int size) throws IOException;

    long readv(FileDescriptor fd, long address, int size) throws IOException;

    int write(FileDescriptor fd, long address, int size) throws IOException;

    long writev(FileDescriptor fd, long address, int size) throws IOException;

    int handling(long address, FileDescriptor fd) throws IOException;
  }

  /** Has what {@code SocketDispatcher} has; each answers with the size. */
  static final class Dispatcher implements Calls {
    @Override
    public int read(FileDescriptor fd, long address, int size) throws IOException {
      return nativeCall(fd, address, size);
    }

    @Override
    public long readv(FileDescriptor fd, long address, int size) throws IOException {
      return nativeCall(fd, address, size);
    }

    @Override
    public int write(FileDescriptor fd, long address, int size) throws IOException {
      return nativeCall(fd, address, size);
    }

    @Override
    public long writev(FileDescriptor fd, long address, int size) throws IOException {
      return nativeCall(fd, address, size);
    }

    /** Has handlers and frames of its own; the descriptor is its second argument. */
    @Override
    public int handling(long address, FileDescriptor fd) throws IOException {
      int size = 0;
      try {
        while (size < 2) {
          size += nativeCall(fd, address, 1);
        }
      } catch (IllegalStateException e) {
        size = -2;
      } finally {
        finished.incrementAndGet();
      }
      return size;
    }

    /** Its argument is another one later. */
    int changing(FileDescriptor fd) throws IOException {
      if (fd == null) {
        fd = new FileDescriptor();
      }
      return write(fd, 0, 0);
    }
  }

  static int nativeCall(FileDescriptor fd, long address, int size) throws IOException {
    Throwable thrown = failure.get();
    if (thrown != null) {
      sneak(thrown);
    }
    return size;
  }

  @SuppressWarnings("unchecked")
  private static <T extends Throwable> void sneak(Throwable e) throws T {
    throw (T) e;
  }

  @BeforeEach
  void weave() throws Exception {
    failure.set(null);
    List<Member> members = new ArrayList<>();
    for (Member member : Targets.ALL.get("sun/nio/ch/SocketDispatcher")) {
      members.add(Member.optional(DISPATCHER, member.hook()));
    }
    Load second = Load.argument(3, "Ljava/io/FileDescriptor;");
    String handling = "handling(JLjava/io/FileDescriptor;)I";
    members.add(
        Member.optional(
            DISPATCHER, new FailureHook(handling, second, UnderpassBridge.TRANSFER, "nativeCall")));
    byte[] bytes =
        toThisBridge(
            ClassTransformer.transform(DISPATCHER, members, ClassTransformerTest.bytes(DISPATCHER))
                .bytes());
    MethodHandles.Lookup lookup = MethodHandles.lookup();
    woven =
        (Calls)
            lookup
                .defineHiddenClass(bytes, true, MethodHandles.Lookup.ClassOption.NESTMATE)
                .lookupClass()
                .getDeclaredConstructor()
                .newInstance();
    IdleAgent.nativeBy(
        lookup.findStatic(
            FailureTest.class,
            "nativeCall",
            MethodType.methodType(int.class, FileDescriptor.class, long.class, int.class)));
    UnderpassBridge.connect(agent);
  }

  @AfterEach
  void disconnect() {
    UnderpassBridge.connect(null);
    IdleAgent.nativeBy(null);
  }

  @Test
  void aFailureOfAWriteIsToldOnceAndGoesOnUnchanged() {
    IOException reset = new IOException("reset");
    failure.set(reset);
    assertSame(reset, assertThrows(IOException.class, () -> woven.write(fd, 0, 1)));
    assertEquals(List.of(UnderpassBridge.WRITE), agent.failed);
    assertSame(reset, assertThrows(IOException.class, () -> woven.writev(fd, 0, 1)));
    assertEquals(List.of(UnderpassBridge.WRITE, UnderpassBridge.WRITE), agent.failed);
    assertEquals(List.of(), agent.suppressed);
  }

  @Test
  void aFailureOfAReadIsToldOnceAndGoesOnUnchanged() {
    IOException reset = new IOException("reset");
    failure.set(reset);
    assertSame(reset, assertThrows(IOException.class, () -> woven.read(fd, 0, 1)));
    assertSame(reset, assertThrows(IOException.class, () -> woven.readv(fd, 0, 1)));
    assertEquals(List.of(UnderpassBridge.READ, UnderpassBridge.READ), agent.failed);
  }

  @Test
  void theAgentMayHaveAnotherFailureThrown() {
    failure.set(new IOException("broken pipe"));
    agent.instead = new IOException("reset");
    assertSame(agent.instead, assertThrows(IOException.class, () -> woven.read(fd, 0, 1)));
    assertSame(agent.instead, assertThrows(IOException.class, () -> woven.write(fd, 0, 1)));
    assertSame(agent.instead, assertThrows(IOException.class, () -> woven.writev(fd, 0, 1)));
  }

  @Test
  void anEndOfTheStreamIsWhatTheAgentSays() throws Exception {
    assertEquals(END, woven.read(fd, 0, (int) END));
    assertEquals(END, woven.readv(fd, 0, (int) END));
    assertEquals(2, agent.ends);
    agent.end = new IOException("reset");
    assertSame(agent.end, assertThrows(IOException.class, () -> woven.read(fd, 0, (int) END)));
    assertSame(agent.end, assertThrows(IOException.class, () -> woven.readv(fd, 0, (int) END)));
    assertEquals(List.of(UnderpassBridge.READ, UnderpassBridge.READ), agent.failed);
  }

  @Test
  void theFailureOfTheFirstPartOfALargeWriteIsToldToo() {
    IOException reset = new IOException("reset");
    failure.set(reset);
    agent.first = 1;
    assertSame(reset, assertThrows(IOException.class, () -> woven.write(fd, 0, LARGE)));
    assertEquals(List.of(UnderpassBridge.WRITE), agent.failed);
  }

  @Test
  void whatSucceedsOrFailsOtherwiseIsNotTold() throws Exception {
    assertEquals(5, woven.read(fd, 0, 5));
    assertEquals(6, woven.readv(fd, 0, 6));
    assertEquals(7, woven.write(fd, 0, 7));
    assertEquals(LARGE, woven.write(fd, 0, LARGE));
    assertEquals(8, woven.writev(fd, 0, 8));
    IllegalStateException other = new IllegalStateException("not of the kernel");
    failure.set(other);
    assertSame(other, assertThrows(IllegalStateException.class, () -> woven.write(fd, 0, 1)));
    assertEquals(List.of(), agent.failed);
    assertEquals(0, agent.ends);
  }

  @Test
  void aMethodsOwnHandlersComeFirst() throws Exception {
    assertEquals(2, woven.handling(0, fd));
    failure.set(new IllegalStateException("caught by itself"));
    assertEquals(-2, woven.handling(0, fd));
    assertEquals(List.of(), agent.failed);
    IOException reset = new IOException("reset");
    failure.set(reset);
    finished.set(0);
    assertSame(reset, assertThrows(IOException.class, () -> woven.handling(0, fd)));
    assertEquals(List.of(UnderpassBridge.TRANSFER), agent.failed);
    assertEquals(1, finished.get());
    agent.instead = new IOException("another");
    assertSame(agent.instead, assertThrows(IOException.class, () -> woven.handling(0, fd)));
  }

  @Test
  void anErrorOfTheAgentIsSuppressed() throws Exception {
    IOException reset = new IOException("reset");
    failure.set(reset);
    agent.error = new StackOverflowError();
    assertSame(reset, assertThrows(IOException.class, () -> woven.write(fd, 0, 1)));
    failure.set(null);
    assertEquals(END, woven.read(fd, 0, (int) END));
    assertEquals(List.of(agent.error, agent.error), agent.suppressed);
  }

  @Test
  void withoutAnAgentNothingIsTold() throws Exception {
    UnderpassBridge.connect(null);
    IOException reset = new IOException("reset");
    failure.set(reset);
    assertSame(reset, assertThrows(IOException.class, () -> woven.write(fd, 0, 1)));
    failure.set(null);
    assertEquals(END, woven.read(fd, 0, (int) END));
    assertEquals(List.of(), agent.failed);
    assertEquals(0, agent.ends);
  }

  /** The build renames the bridge; here it has its own name. */
  private static byte[] toThisBridge(byte[] bytes) {
    String bridge = UnderpassBridge.class.getName().replace('.', '/');
    ClassWriter writer = new ClassWriter(0);
    new ClassReader(bytes)
        .accept(
            new ClassVisitor(Opcodes.ASM9, writer) {
              @Override
              public MethodVisitor visitMethod(
                  int access, String name, String type, String generic, String[] exceptions) {
                MethodVisitor to = super.visitMethod(access, name, type, generic, exceptions);
                return new MethodVisitor(Opcodes.ASM9, to) {
                  @Override
                  public void visitMethodInsn(
                      int op, String of, String method, String descriptor, boolean itf) {
                    String owner = of.equals(JavaBase.BRIDGE) ? bridge : of;
                    super.visitMethodInsn(op, owner, method, descriptor, itf);
                  }
                };
              }

              @Override
              public void visitNestHost(String host) {
                // A hidden class has that of who defines it.
              }
            },
            0);
    return writer.toByteArray();
  }

  private static final class Agent extends IdleAgent {
    /** What, of each failure. */
    final List<Integer> failed = new ArrayList<>();

    final List<Throwable> suppressed = new ArrayList<>();
    int ends;
    int first;
    Error error;
    IOException instead;
    IOException end;

    @Override
    protected IOException onFailed(FileDescriptor fd, int what, IOException thrown) {
      failed.add(what);
      if (error != null) {
        throw error;
      }
      return instead == null ? thrown : instead;
    }

    @Override
    protected IOException onEnd(FileDescriptor fd) {
      ends++;
      if (error != null) {
        throw error;
      }
      return end;
    }

    @Override
    protected int onLargeWrite(FileDescriptor fd, int size) {
      return first;
    }

    @Override
    protected void onSuppressed(Throwable e) {
      suppressed.add(e);
    }
  }
}
