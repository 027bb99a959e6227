/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.bridge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.FileDescriptor;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A write in two parts answers what the kernel could have answered for one. */
class EarlyPartTest {
  private static final int SIZE = 131_072;
  private static final int FIRST = 8_192;
  private static final int UNAVAILABLE = -2;
  private static final int INTERRUPTED = -3;
  private static final long ADDRESS = 1L << 40;

  /** What the native write does, in order: an int, or an IOException. */
  private static final List<Object> answers = new ArrayList<>();

  /** Address and size of each native write. */
  private static final List<List<Long>> writes = new ArrayList<>();

  private int first = FIRST;
  private boolean ended;

  @BeforeEach
  void connect() throws ReflectiveOperationException {
    answers.clear();
    writes.clear();
    UnderpassBridge.writeBy(
        MethodHandles.lookup()
            .findStatic(
                EarlyPartTest.class,
                "nativeWrite",
                MethodType.methodType(int.class, FileDescriptor.class, long.class, int.class)));
    UnderpassBridge.connect(new Agent());
  }

  @AfterEach
  void disconnect() {
    UnderpassBridge.connect(null);
    UnderpassBridge.writeBy(null);
  }

  static int nativeWrite(FileDescriptor fd, long address, int size) throws IOException {
    writes.add(List.of(address, (long) size));
    Object answer = answers.remove(0);
    if (answer instanceof IOException e) {
      throw e;
    }
    return (Integer) answer;
  }

  private static int write(int size, Object... natively) throws Throwable {
    answers.addAll(List.of(natively));
    return UnderpassBridge.writing(new FileDescriptor(), ADDRESS, size);
  }

  @Test
  void bothPartsAreOneWrite() throws Throwable {
    assertEquals(SIZE, write(SIZE, FIRST, SIZE - FIRST));
    assertEquals(
        List.of(List.of(ADDRESS, (long) FIRST), List.of(ADDRESS + FIRST, (long) SIZE - FIRST)),
        writes);
  }

  @Test
  void aShortFirstPartIsTheAnswer() throws Throwable {
    assertEquals(100, write(SIZE, 100));
    assertEquals(UNAVAILABLE, write(SIZE, UNAVAILABLE));
    assertEquals(INTERRUPTED, write(SIZE, INTERRUPTED));
  }

  @Test
  void aShortSecondPartIsAShortWrite() throws Throwable {
    assertEquals(FIRST + 5, write(SIZE, FIRST, 5));
    assertEquals(FIRST, write(SIZE, FIRST, UNAVAILABLE));
    assertEquals(FIRST, write(SIZE, FIRST, INTERRUPTED));
  }

  @Test
  void anErrorIsThrownOnlyWhereNothingWasWritten() throws Throwable {
    assertThrows(IOException.class, () -> write(SIZE, new IOException("reset")));
    assertEquals(FIRST, write(SIZE, FIRST, new IOException("no memory")));
  }

  @Test
  void anErrorThatNoLaterCallWouldTellIsThrown() {
    ended = true;
    IOException reset = new IOException("reset");
    assertSame(reset, assertThrows(IOException.class, () -> write(SIZE, FIRST, reset)));
  }

  @Test
  void theJdkWritesWhatIsSmallOrToBeWhole() throws Throwable {
    assertEquals(0, write(UnderpassBridge.LARGE_WRITE - 1));
    first = 0;
    assertEquals(0, write(SIZE));
    first = SIZE;
    assertEquals(0, write(SIZE));
    assertEquals(List.of(), writes);
  }

  private final class Agent extends IdleAgent {
    @Override
    protected int onLargeWrite(FileDescriptor fd, int size) {
      return first;
    }

    @Override
    protected boolean hasEnded(FileDescriptor fd) {
      return ended;
    }
  }
}
