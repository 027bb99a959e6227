/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.datapath;

import io.underpass.accel.Tuning;
import io.underpass.kernel.BuiltObject;
import io.underpass.kernel.ForeignPins;
import io.underpass.kernel.Pins;
import io.underpass.probe.KernelProbe;
import io.underpass.protocol.Probe;
import io.underpass.service.Datapath;
import io.underpass.service.DatapathSource;
import io.underpass.service.HelperConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;

/** Data paths of the running kernel. */
public final class KernelSource implements DatapathSource {
  @Override
  public KernelDatapath load(HelperConfig config, Path cgroup, Consumer<String> trouble)
      throws IOException {
    Tuning tuning =
        Tuning.DEFAULT
            .withTakeEvery(config.takeEvery())
            .withRules(config.rules())
            .withTrustDigest(config.trustDigest());
    return new KernelDatapath(config.bpffs(), cgroup, tuning, false, trouble);
  }

  @Override
  public Datapath adoptPaused(HelperConfig config, Path cgroup, Consumer<String> trouble)
      throws IOException {
    return new KernelDatapath(config.bpffs(), cgroup, Tuning.DEFAULT, true, trouble);
  }

  @Override
  public boolean isLeft(Path pinFolder) throws IOException {
    return new Pins(pinFolder, BuiltObject.DATAPATH).exist()
        || new Pins(pinFolder, BuiltObject.PORTS).exist();
  }

  @Override
  public List<Path> foreignLeft(Path pinFolder) throws IOException {
    return ForeignPins.folders(pinFolder);
  }

  @Override
  public List<Path> removeForeign(Path pinFolder) throws IOException {
    return ForeignPins.removeUnused(pinFolder);
  }

  @Override
  public List<Probe> probe(Path cgroup) throws IOException {
    return KernelProbe.run(BuiltObject.DATAPATH.image(), cgroup, 0, Tuning.DEFAULT.probeLimit());
  }
}
