/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.helper;

import io.underpass.accel.Tuning;
import io.underpass.accel.Tuning.Fault;
import io.underpass.datapath.KernelDatapath;
import io.underpass.host.HelperException;
import io.underpass.service.HelperConfig;
import java.nio.file.Path;

/** A helper, in this JVM, to whose probe the kernel seems to do something wrong. */
public final class FaultyHelper {
  private FaultyHelper() {}

  /** One that serves at the socket, and pins in that folder. */
  public static Helper start(Path socket, Path pins, Fault... faults) throws HelperException {
    return Helper.start(
        HelperConfig.defaults().withSocket(socket).withBpffs(pins),
        (config, cgroup, trouble) ->
            new KernelDatapath(config.bpffs(), cgroup, Tuning.DEFAULT.withFaults(faults), trouble),
        new Audit(System.err::println));
  }
}
