package io.underpass.agent.weave;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.underpass.agent.bridge.UnderpassBridge;
import java.io.FileDescriptor;
import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.ArrayList;
import java.util.List;
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
class WriteFailureTest {
  static final String WRITER = "io/underpass/agent/weave/WriteFailureTest$Writer";

  private static final int LARGE = 2 * UnderpassBridge.LARGE_WRITE;

  /** What the native write throws; null: it writes. */
  private static final AtomicReference<Throwable> failure = new AtomicReference<>();

  private final FileDescriptor fd = new FileDescriptor();
  private final Agent agent = new Agent();
  private Writes woven;

  /** What is called of it. */
  interface Writes {
    int write(FileDescriptor fd, long address, int size) throws IOException;

    long writev(FileDescriptor fd, long address, int size) throws IOException;
  }

  /** Has what {@code SocketDispatcher} has. */
  static final class Writer implements Writes {
    @Override
    public int write(FileDescriptor fd, long address, int size) throws IOException {
      return nativeWrite(fd, address, size);
    }

    @Override
    public long writev(FileDescriptor fd, long address, int size) throws IOException {
      return nativeWrite(fd, address, size);
    }

    /** Has a handler of its own. */
    int catching(FileDescriptor fd) {
      try {
        return write(fd, 0, 0);
      } catch (IOException e) {
        return -1;
      }
    }
  }

  static int nativeWrite(FileDescriptor fd, long address, int size) throws IOException {
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
    Target target = new Target(WRITER, Target.ALL.get("sun/nio/ch/SocketDispatcher").hooks());
    byte[] bytes = toThisBridge(new Loom(target, LoomTest.bytes(target)).weave());
    MethodHandles.Lookup lookup = MethodHandles.lookup();
    woven =
        (Writes)
            lookup
                .defineHiddenClass(bytes, true, MethodHandles.Lookup.ClassOption.NESTMATE)
                .lookupClass()
                .getDeclaredConstructor()
                .newInstance();
    Agent.nativeBy(
        lookup.findStatic(
            WriteFailureTest.class,
            "nativeWrite",
            MethodType.methodType(int.class, FileDescriptor.class, long.class, int.class)));
    UnderpassBridge.connect(agent);
  }

  @AfterEach
  void disconnect() {
    UnderpassBridge.connect(null);
    Agent.nativeBy(null);
  }

  @Test
  void aFailureIsToldOnceAndGoesOnUnchanged() {
    IOException reset = new IOException("reset");
    failure.set(reset);
    assertSame(reset, assertThrows(IOException.class, () -> woven.write(fd, 0, 1)));
    assertEquals(List.of(fd), agent.failed);
    assertSame(reset, assertThrows(IOException.class, () -> woven.writev(fd, 0, 1)));
    assertEquals(List.of(fd, fd), agent.failed);
    assertEquals(List.of(), agent.suppressed);
  }

  @Test
  void theFailureOfTheFirstPartOfALargeWriteIsToldToo() {
    IOException reset = new IOException("reset");
    failure.set(reset);
    agent.first = 1;
    assertSame(reset, assertThrows(IOException.class, () -> woven.write(fd, 0, LARGE)));
    assertEquals(List.of(fd), agent.failed);
  }

  @Test
  void whatSucceedsOrFailsOtherwiseIsNotTold() throws Exception {
    assertEquals(7, woven.write(fd, 0, 7));
    assertEquals(LARGE, woven.write(fd, 0, LARGE));
    assertEquals(8, woven.writev(fd, 0, 8));
    IllegalStateException other = new IllegalStateException("not of the kernel");
    failure.set(other);
    assertSame(other, assertThrows(IllegalStateException.class, () -> woven.write(fd, 0, 1)));
    assertEquals(List.of(), agent.failed);
  }

  @Test
  void anErrorOfTheAgentIsSuppressed() {
    IOException reset = new IOException("reset");
    failure.set(reset);
    agent.error = new StackOverflowError();
    assertSame(reset, assertThrows(IOException.class, () -> woven.write(fd, 0, 1)));
    assertEquals(List.of(agent.error), agent.suppressed);
  }

  @Test
  void withoutAnAgentNothingIsTold() {
    UnderpassBridge.connect(null);
    IOException reset = new IOException("reset");
    failure.set(reset);
    assertSame(reset, assertThrows(IOException.class, () -> woven.write(fd, 0, 1)));
    assertEquals(List.of(), agent.failed);
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

  private static final class Agent extends UnderpassBridge {
    final List<FileDescriptor> failed = new ArrayList<>();
    final List<Throwable> suppressed = new ArrayList<>();
    int first;
    Error error;

    static void nativeBy(MethodHandle write) {
      writeBy(write);
    }

    @Override
    protected void onWriteFailed(FileDescriptor fd) {
      failed.add(fd);
      if (error != null) {
        throw error;
      }
    }

    @Override
    protected int onLargeWrite(FileDescriptor fd, int size) {
      return first;
    }

    @Override
    protected void onSuppressed(Throwable e) {
      suppressed.add(e);
    }

    @Override
    protected void onEvent(FileDescriptor fd, int what, Object family, boolean flag) {}

    @Override
    protected int onAvailable(FileDescriptor fd, int plain) {
      return plain;
    }

    @Override
    protected void onPlatformServer(Object server) {}

    @Override
    protected void onRead(FileDescriptor fd, boolean blocks) {}

    @Override
    protected void onSelect(int epoll, long events) {}
  }
}
