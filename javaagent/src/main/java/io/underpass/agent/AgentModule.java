/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent;

import java.io.IOException;
import java.io.InputStream;
import java.lang.instrument.Instrumentation;
import java.lang.module.Configuration;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleDescriptor.Requires;
import java.lang.module.ModuleFinder;
import java.lang.module.ModuleReader;
import java.lang.module.ModuleReference;
import java.lang.reflect.InvocationTargetException;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/**
 * The module that the agent's classes are in. Called by {@code AgentMain}; next hop: {@code Boot}.
 *
 * <p>Some packages of {@code java.base} are opened to this module. It exports nothing to speak of,
 * so a program that gets hold of one of its classes or objects, by JMX or by a stack trace, can
 * call nothing of it, and not by reflection either. In an unnamed module it could call all.
 */
final class AgentModule {
  static final String NAME = "io.underpass.agent";

  /** What the beans show: interfaces, and records of numbers and texts. */
  static final String BEANS = "io.underpass.agent.jmx";

  private static final String BOOT = "io.underpass.agent.boot";

  /** All of its packages. */
  static final Set<String> PACKAGES =
      Set.of(
          BEANS,
          BOOT,
          "io.underpass.agent.beans",
          "io.underpass.agent.hooks",
          "io.underpass.agent.jdk",
          "io.underpass.agent.report",
          "io.underpass.agent.session",
          "io.underpass.agent.weave",
          "io.underpass.shaded",
          "io.underpass.shaded.bytebuddy.jar.asm",
          "io.underpass.shaded.config",
          "io.underpass.shaded.protocol");

  private AgentModule() {}

  /** As {@code Boot.start}. */
  static String start(String argument, Instrumentation instrumentation) throws Throwable {
    Path jar =
        Path.of(AgentModule.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    ModuleLayer boot = ModuleLayer.boot();
    Configuration configuration =
        boot.configuration().resolve(new Finder(jar), ModuleFinder.of(), Set.of(NAME));
    // A loader of the JDK's, without the application's as a parent: neither sees the other's
    // classes, and it is nothing that the application could change.
    ModuleLayer.Controller controller =
        ModuleLayer.defineModulesWithOneLoader(configuration, List.of(boot), null);
    Module module = controller.layer().findModule(NAME).orElseThrow();
    // For the call below; what else is public there starts nothing.
    controller.addExports(module, BOOT, AgentModule.class.getModule());
    try {
      return (String)
          Class.forName(BOOT + ".Boot", true, module.getClassLoader())
              .getMethod("start", String.class, Instrumentation.class)
              .invoke(null, argument, instrumentation);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }

  private static ModuleDescriptor descriptor() {
    // A JVM may lack the last two; the classes that use them are then not loaded.
    return ModuleDescriptor.newModule(NAME)
        .packages(PACKAGES)
        .exports(BEANS)
        .requires("java.instrument")
        .requires(Set.of(Requires.Modifier.STATIC), "java.management")
        .requires(Set.of(Requires.Modifier.STATIC), "jdk.net")
        .build();
  }

  // No lambdas: the first one of a JVM is milliseconds.

  private static final class Finder implements ModuleFinder {
    private final ModuleReference reference;

    Finder(Path jar) {
      reference = new Reference(jar);
    }

    @Override
    public Optional<ModuleReference> find(String name) {
      return name.equals(NAME) ? Optional.of(reference) : Optional.empty();
    }

    @Override
    public Set<ModuleReference> findAll() {
      return Set.of(reference);
    }
  }

  private static final class Reference extends ModuleReference {
    private final Path jar;

    Reference(Path jar) {
      super(AgentModule.descriptor(), jar.toUri());
      this.jar = jar;
    }

    @Override
    public ModuleReader open() throws IOException {
      return new Reader(jar);
    }
  }

  /** Of the jar as it is: a class of {@code java.base} is in it too, and the entry points. */
  private static final class Reader implements ModuleReader {
    private final Path path;
    private final ZipFile jar;

    Reader(Path path) throws IOException {
      this.path = path;
      this.jar = new ZipFile(path.toFile());
    }

    @Override
    public Optional<URI> find(String name) {
      return jar.getEntry(name) == null
          ? Optional.empty()
          : Optional.of(URI.create("jar:" + path.toUri() + "!/" + name));
    }

    @Override
    public Optional<InputStream> open(String name) throws IOException {
      ZipEntry entry = jar.getEntry(name);
      return entry == null ? Optional.empty() : Optional.of(jar.getInputStream(entry));
    }

    @Override
    public Stream<String> list() {
      return jar.stream().map(ZipEntry::getName);
    }

    @Override
    public void close() throws IOException {
      jar.close();
    }
  }
}
