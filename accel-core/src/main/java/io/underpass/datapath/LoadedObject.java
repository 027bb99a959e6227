package io.underpass.datapath;

import io.underpass.ffm.BpfObject;
import io.underpass.ffm.LoadException;
import java.io.IOException;
import java.util.function.Consumer;

/**
 * The data path's object in the kernel, with all of its programs, or without those that it can do
 * without, where the kernel refuses their kind.
 *
 * @param visitsFiles whether it has the programs that visit a process's open files
 */
record LoadedObject(BpfObject object, boolean visitsFiles) {
  /**
   * Loads it onto the maps that are pinned, if there are some.
   *
   * @param trouble gets a line where something is left out
   */
  static LoadedObject load(byte[] image, Tuning tuning, Pins pins, Consumer<String> trouble)
      throws IOException {
    if (tuning.refuseFiles()) {
      return load(image, tuning, pins, false);
    }
    try {
      return load(image, tuning, pins, true);
    } catch (LoadException e) {
      if (e.refused().isEmpty() || ProgramKinds.areNeeded(e.refused())) {
        throw e;
      }
      trouble.accept(
          "the kernel refuses programs of "
              + ProgramKinds.describe(e.refused())
              + ": connections that are older than a registration are accelerated only where its"
              + " agent asks for them");
      return load(image, tuning, pins, false);
    }
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
