/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.protocol;

import java.util.Locale;

/** The codes of an {@code ERR} reply. */
public enum ErrorCode {
  /** The request is no request of this protocol. */
  MALFORMED,
  /** The line exceeds its bound. */
  TOO_LONG,
  /** The line was not finished in time. */
  TIMEOUT,
  /** The two sides speak different versions. */
  PROTO,
  /** The policy does not admit the caller. */
  DENIED,
  /** A table of the helper is full. */
  FULL,
  /** The request needs a registration on this connection. */
  NOT_REGISTERED,
  /** This connection has its registration already. */
  ALREADY_REGISTERED,
  /** The kernel lacks what is needed. */
  UNAVAILABLE,
  /** The helper failed. */
  INTERNAL;

  private final String wireName = name().toLowerCase(Locale.ROOT).replace('_', '-');

  /** The code as it stands in a reply. */
  public String wireName() {
    return wireName;
  }

  /** The code of that wire name; {@link #INTERNAL} for one that this version does not know. */
  public static ErrorCode ofWireName(String name) {
    for (ErrorCode code : values()) {
      if (code.wireName.equals(name)) {
        return code;
      }
    }
    return INTERNAL;
  }
}
