/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.protocol;

import java.io.IOException;

/**
 * A line that breaks the protocol, or the helper's refusal: the code says which, the message is for
 * people.
 */
public final class WireException extends IOException {
  private static final long serialVersionUID = 1L;

  private final ErrorCode code;

  /** With the code that the other side is to get, or gave. */
  public WireException(ErrorCode code, String message) {
    super(message);
    this.code = code;
  }

  /** What kind of failure. */
  public ErrorCode code() {
    return code;
  }

  /** The reply that tells the other side. */
  public Reply toReply() {
    return Reply.error(code, getMessage());
  }
}
