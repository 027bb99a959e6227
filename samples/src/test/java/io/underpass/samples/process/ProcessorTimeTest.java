/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProcessorTimeTest {

  @TempDir Path task;

  @Test
  void itIsTheSumOfWhatEachThreadThatIsThereHasUsedSince() throws Exception {
    thread("10", "underpass-sweep", 5_000_000);
    thread("11", "underpass-drain", 900_000_000);
    thread("13", "VM Periodic Tas", 7);
    ProcessorTime before = ProcessorTime.of(task);
    thread("10", "underpass-sweep", 5_000_300);
    thread("12", "underpass-contr", 40);
    thread("13", "VM Periodic Tas", 8);
    Files.delete(task.resolve("11/schedstat"));

    assertEquals(341, ProcessorTime.of(task).since(before, ""));
    assertEquals(340, ProcessorTime.of(task).since(before, "underpass-"));
  }

  @Test
  void aKernelThatDoesNotCountIsAnErrorAndNoFigure() throws Exception {
    thread("10", "main", 1);
    Files.delete(task.resolve("10/schedstat"));

    assertThrows(IOException.class, () -> ProcessorTime.of(task));
  }

  @Test
  void theKernelsOwnFilesAreUnderstood() throws Exception {
    ProcessorTime before = ProcessorTime.of(ProcessHandle.current().pid());
    long begin = System.nanoTime();
    while (System.nanoTime() - begin < 50_000_000) {
      Thread.onSpinWait();
    }

    assertTrue(ProcessorTime.of(ProcessHandle.current().pid()).since(before, "") > 0);
  }

  private void thread(String number, String name, long nanos) throws IOException {
    Path folder = Files.createDirectories(task.resolve(number));
    Files.writeString(folder.resolve("comm"), name + "\n");
    Files.writeString(folder.resolve("schedstat"), nanos + " 12 3\n");
  }
}
