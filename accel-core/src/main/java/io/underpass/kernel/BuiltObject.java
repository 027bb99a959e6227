/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.kernel;

import io.underpass.ffm.LayoutDigest;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;

/**
 * The compiled BPF objects, which are resources of the jar, and their maps that outlive the helper.
 *
 * <p>The folder that these are pinned in is named by a digest of their layouts. A helper adopts
 * what is in the folder of its own layouts, and so never reads maps of others (see {@link
 * ForeignPins}).
 */
public enum BuiltObject {
  /** Acceleration. */
  DATAPATH(
      "underpass",
      "v",
      List.of(
          "jvms",
          "socks",
          "members",
          "senders",
          "halves",
          "handshakes",
          "ids",
          "users",
          "totals",
          "control",
          "events"),
      List.of("members")),

  /** Port groups. */
  PORTS(
      "ports",
      "ports-v",
      List.of(
          "port_members",
          "member_filter",
          "mappings",
          "reals",
          "bound",
          "shares",
          "port_filter",
          "locals",
          "identities",
          "identity_filter",
          "ports_state",
          "port_socks",
          "port_events"),
      List.of("bound", "identities"));

  private static final Pattern DIGITS = Pattern.compile("[0-9a-f]+");

  private final String name;
  private final String prefix;

  @SuppressWarnings("ImmutableEnumChecker") // made by List.of
  private final List<String> pinnedMaps;

  @SuppressWarnings("ImmutableEnumChecker") // likewise
  private final List<String> mapsInUse;

  BuiltObject(String name, String prefix, List<String> pinnedMaps, List<String> mapsInUse) {
    this.name = name;
    this.prefix = prefix;
    this.pinnedMaps = pinnedMaps;
    this.mapsInUse = mapsInUse;
  }

  /** The ELF file. */
  public byte[] image() throws IOException {
    String resource = "/io/underpass/bpf/" + name + ".bpf.o";
    try (InputStream in = BuiltObject.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new IOException("the jar has no " + resource);
      }
      return in.readAllBytes();
    }
  }

  /** The maps that are pinned. */
  List<String> pinnedMaps() {
    return pinnedMaps;
  }

  /** Those of the pinned maps that have an entry as long as a process uses what is pinned. */
  List<String> mapsInUse() {
    return mapsInUse;
  }

  /**
   * Where a helper pins this object's maps, links and programs.
   *
   * @param pins the folder of all of the helper's pins
   */
  public Path pinFolder(Path pins) throws IOException {
    return pins.resolve(prefix + LayoutDigest.of(image(), pinnedMaps));
  }

  /** Whether a folder has the name of one that a helper, of any version, pins this object in. */
  boolean isPinFolder(Path folder) {
    String called = folder.getFileName().toString();
    return called.startsWith(prefix) && DIGITS.matcher(called.substring(prefix.length())).matches();
  }
}
