package io.underpass.kernel;

import java.io.IOException;
import java.io.InputStream;

/** The compiled BPF objects, which are resources of the jar. */
public enum BuiltObject {
  /** Acceleration. */
  DATAPATH("underpass"),
  /** Port groups. */
  PORTS("ports");

  private final String name;

  BuiltObject(String name) {
    this.name = name;
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
}
