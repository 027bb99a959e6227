/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.soak;

/** A connection did what TCP would not have done. */
final class Mismatch extends AssertionError {
  private static final long serialVersionUID = 1;

  Mismatch(String what) {
    super(what);
  }

  Mismatch(String what, Throwable cause) {
    super(what, cause);
  }
}
