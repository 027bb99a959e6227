/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ffm;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.List;
import java.util.Optional;

/**
 * Says whether libbpf is there and new enough, before anything else of it is called.
 *
 * <p>The library is looked up once, when this class is first used. From 1.0 on, its functions
 * return {@code -errno} or NULL with errno; before that they had several conventions.
 */
public final class LibBpf {
  /** System property that names another library than {@code libbpf.so.1}. */
  public static final String LIBRARY_PROPERTY = "underpass.libbpf";

  static final String REMEDY = "install it, e.g. apt-get install libbpf1";

  /** The first version with the error conventions that these bindings rely on. */
  private static final int MIN_MAJOR = 1;

  private static final Probe PROBE =
      probe(System.getProperty(LIBRARY_PROPERTY, "libbpf.so.1"), Arena.global());

  /**
   * @param symbols null if not available
   * @param cause null if available
   */
  record Probe(SymbolLookup symbols, String version, UnavailableException cause) {}

  private LibBpf() {}

  public static boolean isAvailable() {
    return PROBE.cause() == null;
  }

  /** Why libbpf cannot be used; empty if it can. */
  public static Optional<UnavailableException> unavailabilityCause() {
    return Optional.ofNullable(PROBE.cause());
  }

  /** Throws the cause if libbpf cannot be used. */
  public static void ensureAvailable() throws UnavailableException {
    if (PROBE.cause() != null) {
      throw new UnavailableException(PROBE.cause().reason(), PROBE.cause().remedy());
    }
  }

  /** As the library says it, such as {@code v1.1}; empty if not available. */
  public static String version() {
    return PROBE.version();
  }

  /** The last lines that libbpf printed, oldest first. */
  public static List<String> messages() {
    return isAvailable() ? LibBpfLog.lines() : List.of();
  }

  static SymbolLookup symbols() {
    if (PROBE.symbols() == null) {
      throw new IllegalStateException(PROBE.cause());
    }
    return PROBE.symbols();
  }

  /** Looks at a library without calling more of it than its version. */
  static Probe probe(String name, Arena arena) {
    SymbolLookup library;
    try {
      library = Symbols.load(name, arena);
    } catch (IllegalArgumentException e) {
      return missing("libbpf is not installed (" + name + " cannot be loaded)");
    }
    // libbpf_major_version came with 0.6; what has not got it is older.
    Optional<MemorySegment> major = library.find("libbpf_major_version");
    Optional<MemorySegment> string = library.find("libbpf_version_string");
    if (major.isEmpty() || string.isEmpty()) {
      return missing("libbpf is older than " + MIN_MAJOR + ".0 (" + name + ")");
    }
    try {
      MethodHandle majorCall = Symbols.function(major.get(), FunctionDescriptor.of(JAVA_INT));
      MethodHandle stringCall = Symbols.function(string.get(), Symbols.pointerOf());
      int found = (int) majorCall.invokeExact();
      String version = Symbols.string((MemorySegment) stringCall.invokeExact());
      if (found < MIN_MAJOR) {
        return missing("libbpf " + version + " is too old, " + MIN_MAJOR + ".0 or later is needed");
      }
      return new Probe(library, version, null);
    } catch (Throwable t) {
      throw Symbols.unexpected(t);
    }
  }

  private static Probe missing(String reason) {
    return new Probe(null, "", new UnavailableException(reason, REMEDY));
  }
}
