/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.helper;

import io.underpass.accel.Tuning;
import io.underpass.datapath.KernelDatapath;
import io.underpass.host.HelperException;
import io.underpass.service.HelperConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;

/**
 * A helper of which a test says how its programs decide. It has no audit, which would have a line
 * for each of a million registrations; trouble is still told.
 */
public final class TunedHelper implements AutoCloseable {
  /** A test registers and ends its registration as often as it can, and looks on meanwhile. */
  private static final ControlServer.Limits EAGER =
      new ControlServer.Limits(1100, 64, 100_000, 1, Duration.ofSeconds(5), 4 << 20);

  private final Helper helper;

  /** Set once, before the server starts. */
  private KernelDatapath datapath;

  public TunedHelper(Path socket, Path pins, Tuning tuning) throws HelperException {
    helper =
        Helper.start(
            HelperConfig.defaults().withSocket(socket).withBpffs(pins),
            (config, cgroup, _) -> {
              datapath =
                  new KernelDatapath(
                      config.bpffs(),
                      cgroup,
                      tuning,
                      line -> System.err.println("underpass: " + line));
              return datapath;
            },
            EAGER,
            new Audit(line -> {}));
  }

  public void sweep() {
    helper.sweep();
  }

  /** Whether every flow is to go back to TCP, as when the helper stops. */
  public void pause(boolean paused) throws IOException {
    datapath.pause(paused);
  }

  @Override
  public void close() {
    helper.close();
  }
}
