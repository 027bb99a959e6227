/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.soak;

/** One end of a connection. */
enum Side {
  CLIENT,
  SERVER;

  @Override
  public String toString() {
    return name().toLowerCase(java.util.Locale.ROOT);
  }
}
