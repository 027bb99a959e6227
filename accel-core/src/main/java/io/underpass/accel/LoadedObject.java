/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.accel;

import io.underpass.ffm.BpfObject;
import io.underpass.ffm.LoadException;
import io.underpass.kernel.Pins;
import io.underpass.kernel.ProgramKinds;
import java.io.IOException;
import java.util.function.Consumer;

/**
 * The data path's object in the kernel, with all of its programs, or without those that it can do
 * without, where the kernel refuses their kind, or its verifier one of them.
 *
 * @param visitsFiles whether it has the programs that visit a process's open files
 */
public record LoadedObject(BpfObject object, boolean visitsFiles) {
  /**
   * Loads it onto the maps that are pinned, if there are some.
   *
   * @param trouble gets a line where something is left out
   */
  public static LoadedObject load(byte[] image, Tuning tuning, Pins pins, Consumer<String> trouble)
      throws IOException {
    if (tuning.refuseFiles()) {
      return load(image, tuning, pins, false);
    }
    try {
      return load(image, tuning, pins, true);
    } catch (LoadException e) {
      String without = withoutFiles(e);
      if (without == null) {
        throw e;
      }
      trouble.accept(
          without
              + ": connections that are older than a registration are accelerated only where its"
              + " agent asks for them");
      return load(image, tuning, pins, false);
    }
  }

  /** What the kernel does not take, if it is only what visits open files; or else null. */
  private static String withoutFiles(LoadException e) {
    if (!e.refused().isEmpty()) {
      return ProgramKinds.areNeeded(e.refused())
          ? null
          : "the kernel refuses programs of " + ProgramKinds.describe(e.refused());
    }
    return e.rejected()
        .filter(program -> Claims.PROGRAMS.contains(program.name()))
        .map(
            program ->
                "the kernel rejects " + ProgramKinds.describe(program) + ", " + e.getMessage())
        .orElse(null);
  }

  private static LoadedObject load(byte[] image, Tuning tuning, Pins pins, boolean visitsFiles)
      throws IOException {
    BpfObject object = BpfObject.open(image, "underpass");
    try {
      tuning.apply(object);
      if (!visitsFiles) {
        for (String program : Claims.PROGRAMS) {
          object.skipProgram(program);
        }
      }
      pins.prepare(object);
      object.load();
      return new LoadedObject(object, visitsFiles);
    } catch (IOException | RuntimeException e) {
      object.close();
      throw e;
    }
  }
}
