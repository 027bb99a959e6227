/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import io.underpass.datapath.KernelSource;
import io.underpass.helper.Helper;
import io.underpass.service.HelperConfig;
import io.underpass.testing.HelperProcess;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** A helper process with other programs than the command line's. */
final class UpgradedHelper {
  private UpgradedHelper() {}

  /** A knob has another value, so all programs are new to the kernel. */
  static HelperProcess start(Path socket, Path pins) throws IOException {
    return start(List.of(), socket, pins);
  }

  /**
   * One whose object is of other code as well.
   *
   * @param classes where the object is that takes the jar's place: what the boot loader finds is
   *     found first
   */
  static HelperProcess start(Path classes, Path socket, Path pins) throws IOException {
    return start(List.of("-Xbootclasspath/a:" + classes), socket, pins);
  }

  private static HelperProcess start(List<String> options, Path socket, Path pins)
      throws IOException {
    return new HelperProcess(
        Testbed.java(UpgradedHelper.class, List.of(), options, socket.toString(), pins.toString()),
        pins);
  }

  public static void main(String[] args) throws Exception {
    Helper helper =
        Helper.start(
            HelperConfig.defaults()
                .withSocket(Path.of(args[0]))
                .withBpffs(Path.of(args[1]))
                .withTakeEvery(true),
            new KernelSource());
    Runtime.getRuntime().addShutdownHook(Thread.ofPlatform().unstarted(helper::close));
    System.out.println("underpass: helper ready on " + helper.socket());
    helper.awaitEnd();
  }
}
