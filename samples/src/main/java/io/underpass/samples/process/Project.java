/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.process;

import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Where things are in the tree that this program was built in. */
public final class Project {

  private Project() {}

  /** The folder that holds the Makefile: found upwards from this class's own jar or folder. */
  public static Path root() {
    try {
      Path start =
          Path.of(Project.class.getProtectionDomain().getCodeSource().getLocation().toURI());
      for (Path folder = start; folder != null; folder = folder.getParent()) {
        if (Files.isExecutable(folder.resolve("bin/underpass"))) {
          return folder;
        }
      }
      throw new IllegalStateException("no bin/underpass in any folder above " + start);
    } catch (URISyntaxException e) {
      throw new IllegalStateException("the samples are not run from files", e);
    }
  }

  /** The command line, which also starts the helper. */
  public static Path command() {
    return root().resolve("bin/underpass");
  }

  /** The agent's jar, as the build leaves it. */
  public static Path agent() {
    return root().resolve("javaagent/target/underpass.jar");
  }

  /** The class path of this JVM, on which the children's programs are too. */
  public static String classPath() {
    return System.getProperty("java.class.path");
  }
}
