/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.protocol;

/** Texts of others, before people see them. */
public final class Text {
  private Text() {}

  /**
   * Of any text one line that does nothing to a terminal: whatever is not printable ASCII is {@code
   * ?}.
   */
  public static String clean(String text) {
    StringBuilder clean = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      clean.append(c >= ' ' && c < 0x7f ? c : '?');
    }
    return clean.toString();
  }
}
