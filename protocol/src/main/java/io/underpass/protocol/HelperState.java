/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.protocol;

import java.util.Locale;

/** The state of the helper, as {@code STATUS} and {@code REGISTER} tell it. */
public enum HelperState {
  /** It accelerates. */
  RUNNING,
  /** Its sweeps fail, again and again. */
  FAILING,
  /** The kernel is not fit: nothing is accelerated. */
  REFUSED,
  /** It takes every flow back to TCP, and then ends. */
  STOPPING;

  private static final HelperState[] ALL = values();

  private final String wireName = name().toLowerCase(Locale.ROOT);

  /** The state in the protocol, and for people. */
  public String wireName() {
    return wireName;
  }

  /** The state of that wire name; {@link #FAILING} for one that this version does not know. */
  public static HelperState ofWireName(String name) {
    for (HelperState state : ALL) {
      if (state.wireName.equals(name)) {
        return state;
      }
    }
    return FAILING;
  }
}
