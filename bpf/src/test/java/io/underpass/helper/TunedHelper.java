package io.underpass.helper;

import io.underpass.datapath.KernelDatapath;
import io.underpass.datapath.Tuning;
import java.io.IOException;
import java.nio.file.Path;

/**
 * A helper of which a test says how its programs decide. It has no audit, which would have a line
 * for each of a million registrations; trouble is still told.
 */
public final class TunedHelper implements AutoCloseable {
  private final Helper helper;

  /** Set once, before the server starts. */
  private KernelDatapath datapath;

  public TunedHelper(Path socket, Path pins, Tuning tuning) throws HelperException {
    helper =
        Helper.start(
            HelperConfig.defaults().withSocket(socket).withBpffs(pins),
            (config, cgroup) -> {
              datapath =
                  new KernelDatapath(
                      config.bpffs(),
                      cgroup,
                      tuning,
                      line -> System.err.println("underpass: " + line));
              return datapath;
            },
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
