/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.cli;

import io.underpass.protocol.Text;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;

/**
 * Where commands print. What a helper sent, or a tenant of it, does nothing to the terminal, and
 * makes no lines of its own: a line is printable ASCII.
 */
final class Terminal extends PrintWriter {
  Terminal(OutputStream out) {
    super(out, true, StandardCharsets.UTF_8);
  }

  @Override
  public void println(String line) {
    super.println(Text.clean(line));
  }

  @Override
  public void println(Object line) {
    println(String.valueOf(line));
  }

  /** Text of several lines; each is cleaned. */
  @Override
  public void write(String text, int from, int length) {
    String[] lines = text.substring(from, from + length).split("\n", -1);
    for (int i = 0; i < lines.length; i++) {
      lines[i] = Text.clean(lines[i]);
    }
    String clean = String.join("\n", lines);
    super.write(clean, 0, clean.length());
  }
}
