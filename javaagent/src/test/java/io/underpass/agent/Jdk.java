/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.stream.Stream;
import org.opentest4j.TestAbortedException;

/**
 * A JDK that programs run on with the agent.
 *
 * @param home where it is
 * @param feature its feature release
 */
public record Jdk(Path home, int feature) {
  /** The oldest that the agent is for. */
  public static final int OLDEST = 17;

  /** The home of a JDK of that release, where it is not under {@code /usr/lib/jvm}. */
  private static final String PROPERTY = "underpass.jdk17";

  /** The one that runs the tests. */
  public static Jdk current() {
    return new Jdk(Path.of(System.getProperty("java.home")), Runtime.version().feature());
  }

  /**
   * The oldest that the agent is for. Where there is none, a test that asks for it is skipped; with
   * CI=true it fails.
   */
  public static Jdk oldest() {
    Optional<Jdk> found = find();
    if (found.isEmpty()) {
      String missing =
          "no JDK " + OLDEST + " in the system property " + PROPERTY + ", or under /usr/lib/jvm";
      if ("true".equals(System.getenv("CI"))) {
        throw new AssertionError(missing);
      }
      System.err.println("skipped: " + missing);
      throw new TestAbortedException(missing);
    }
    return found.get();
  }

  private static Optional<Jdk> find() {
    String told = System.getProperty(PROPERTY);
    if (told != null) {
      return Optional.of(new Jdk(Path.of(told), OLDEST));
    }
    try (Stream<Path> homes = Files.list(Path.of("/usr/lib/jvm"))) {
      return homes
          .filter(home -> featureOf(home) == OLDEST)
          .sorted()
          .findFirst()
          .map(home -> new Jdk(home, OLDEST));
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /** As its {@code release} file has it; 0 if it has none, or no launcher. */
  private static int featureOf(Path home) {
    Properties release = new Properties();
    try (InputStream in = Files.newInputStream(home.resolve("release"))) {
      release.load(in);
    } catch (IOException e) {
      return 0;
    }
    String version = release.getProperty("JAVA_VERSION", "0").replace("\"", "");
    return Files.isExecutable(home.resolve("bin/java"))
        ? Integer.parseInt(version.split("[.+-]", -1)[0])
        : 0;
  }

  /** Its launcher. */
  public String java() {
    return home.resolve("bin/java").toString();
  }

  /**
   * One of its own classes; null if it has no such class.
   *
   * @param module that the class is in
   * @param type internal name
   */
  public byte[] classFile(String module, String type) throws IOException {
    try (FileSystem image =
        FileSystems.newFileSystem(
            URI.create("jrt:/"), Map.of("java.home", home.toRealPath().toString()))) {
      Path file = image.getPath("/modules", module, type + ".class");
      return Files.exists(file) ? Files.readAllBytes(file) : null;
    }
  }

  /** The JDKs that a test about what a JDK has is to be run with. */
  public static List<Jdk> both() {
    return List.of(current(), oldest());
  }

  @Override
  public String toString() {
    return "JDK " + feature;
  }
}
