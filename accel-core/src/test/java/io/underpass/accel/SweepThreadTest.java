/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.accel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.ffm.BpfObject;
import io.underpass.ffm.RingBuffer;
import io.underpass.kernel.BuiltObject;
import io.underpass.kernel.Pins;
import io.underpass.service.Vital;
import io.underpass.testing.KernelTest;
import io.underpass.testing.Pinning;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Sweeps that fail, by an Error too. */
@KernelTest
@Timeout(60)
class SweepThreadTest {
  private static final int FAILS = 4;

  @Test
  void aSweepThatFailsIsMadeAgainAndTold() throws Exception {
    List<String> trouble = new CopyOnWriteArrayList<>();
    AtomicInteger sweeps = new AtomicInteger();
    int most = 0;
    Path pins = Pinning.newFolder();
    byte[] image = BuiltObject.DATAPATH.image();
    try (BpfObject object =
            LoadedObject.load(
                    image, Tuning.DEFAULT, new Pins(pins, BuiltObject.DATAPATH), trouble::add)
                .object();
        ControlBlock control = new ControlBlock(object.map("control"))) {
      SweepThread[] thread = new SweepThread[1];
      thread[0] =
          new SweepThread(
              new RingBuffer(object.map("events"), _ -> {}),
              control,
              () -> {
                if (sweeps.incrementAndGet() <= FAILS) {
                  throw new OutOfMemoryError("of the test");
                }
                return new Sweep.Result(Agenda.NEVER);
              },
              trouble::add,
              new Vital());
      while (sweeps.get() <= FAILS) {
        most = Math.max(most, thread[0].failing());
        Thread.sleep(10);
      }
      assertEquals(FAILS, most);
      assertEquals(FAILS, trouble.size());
      assertTrue(trouble.getFirst().startsWith("sweep: java.lang.OutOfMemoryError"));
      while (thread[0].failing() > 0) {
        Thread.sleep(10);
      }
      thread[0].close();
    } finally {
      Pinning.remove(pins);
    }
  }
}
