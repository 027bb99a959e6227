package io.underpass.helper;

import io.underpass.datapath.KernelDatapath;
import io.underpass.datapath.Tuning;
import java.nio.file.Path;

/**
 * A helper of which a test says how its programs decide. It has no audit, which would have a line
 * for each of a million registrations; trouble is still told.
 */
public final class TunedHelper implements AutoCloseable {
  private final Helper helper;

  public TunedHelper(Path socket, Path pins, Tuning tuning) throws HelperException {
    helper =
        Helper.start(
            HelperConfig.defaults().withSocket(socket).withBpffs(pins),
            (config, cgroup) ->
                new KernelDatapath(
                    config.bpffs(),
                    cgroup,
                    tuning,
                    line -> System.err.println("underpass: " + line)),
            new Audit(line -> {}));
  }

  public void sweep() {
    helper.sweep();
  }

  @Override
  public void close() {
    helper.close();
  }
}
