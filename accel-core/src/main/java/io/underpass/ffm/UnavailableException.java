/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ffm;

import java.io.IOException;
import java.io.Serial;

/** Something that native calls depend on is not there; says what, and how to get it. */
public final class UnavailableException extends IOException {
  @Serial private static final long serialVersionUID = 1L;

  private final String reason;
  private final String remedy;

  UnavailableException(String reason, String remedy) {
    super(reason + "; " + remedy);
    this.reason = reason;
    this.remedy = remedy;
  }

  /** What is missing. */
  public String reason() {
    return reason;
  }

  /** What a person can do about it. */
  public String remedy() {
    return remedy;
  }
}
