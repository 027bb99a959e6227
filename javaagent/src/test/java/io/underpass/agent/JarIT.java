/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.DataInputStream;
import java.io.InputStream;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.jar.JarFile;
import java.util.stream.Collectors;
import java.util.zip.ZipEntry;
import org.junit.jupiter.api.Test;

/** What is in the jar that is put on every application's class path. */
class JarIT {
  @Test
  void itHoldsTheAgentAndNothingThatAnApplicationMayHaveToo() throws Exception {
    try (JarFile jar = new JarFile(Child.JAR.toFile())) {
      Set<String> folders =
          jar.stream()
              .map(ZipEntry::getName)
              .filter(name -> name.endsWith(".class"))
              .map(name -> name.substring(0, name.lastIndexOf('/')))
              .collect(Collectors.toCollection(TreeSet::new));
      assertEquals(
          List.of(
              "io/underpass/agent",
              "io/underpass/agent/beans",
              "io/underpass/agent/boot",
              "io/underpass/agent/hooks",
              "io/underpass/agent/jdk",
              "io/underpass/agent/jmx",
              "io/underpass/agent/report",
              "io/underpass/agent/session",
              "io/underpass/agent/weave",
              "io/underpass/shaded",
              "io/underpass/shaded/bytebuddy/jar/asm",
              "io/underpass/shaded/config",
              "io/underpass/shaded/protocol",
              "sun/nio/ch"),
          List.copyOf(folders));
      assertTrue(jar.getEntry("sun/nio/ch/UnderpassBridge.class") != null);
      assertTrue(jar.getEntry("META-INF/LICENSE") != null);
    }
  }

  /** A class of another package would not be of the module, and could do nothing. */
  @Test
  void theAgentsModuleHasAllItsPackages() throws Exception {
    try (JarFile jar = new JarFile(Child.JAR.toFile())) {
      Set<String> packages =
          jar.stream()
              .map(ZipEntry::getName)
              .filter(name -> name.endsWith(".class"))
              .map(name -> name.substring(0, name.lastIndexOf('/')).replace('/', '.'))
              .collect(Collectors.toCollection(TreeSet::new));
      packages.removeAll(Set.of("io.underpass.agent", "sun.nio.ch"));
      assertEquals(packages, new TreeSet<>(AgentModule.PACKAGES));
    }
  }

  @Test
  void itsEntryPointRunsInAnyJvmAndTheRestInJava17() throws Exception {
    assertEquals(52, version("io/underpass/agent/AgentMain.class"));
    assertEquals(52, version("io/underpass/agent/Demand.class"));
    assertEquals(61, version("io/underpass/agent/boot/Boot.class"));
    assertEquals(61, version("sun/nio/ch/UnderpassBridge.class"));
    assertEquals(61, version("io/underpass/shaded/protocol/HelperClient.class"));
  }

  private static int version(String entry) throws Exception {
    try (JarFile jar = new JarFile(Child.JAR.toFile());
        InputStream in = jar.getInputStream(jar.getEntry(entry));
        DataInputStream data = new DataInputStream(in)) {
      data.readInt();
      data.readUnsignedShort();
      return data.readUnsignedShort();
    }
  }
}
