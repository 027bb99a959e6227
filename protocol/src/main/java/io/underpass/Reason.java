/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass;

import java.util.Locale;

/**
 * Why a connection, or one direction of it, runs by plain TCP.
 *
 * <p>The order is that of {@code enum up_reason} in {@code bpf/underpass.h}; the ordinal is the
 * number the kernel side uses. The wire name is the one that people see: in the helper's protocol,
 * over JMX and on the command line.
 */
public enum Reason {
  NONE("it is accelerated"),
  UNDECIDED("too young, or too quiet, to tell"),
  NO_PEER("no other end answered: it is on another host, or its process is not registered"),
  ONE_WAY("traffic of a kind that would lose by it; it is looked at again as the traffic changes"),
  PINNED("the application asked for TCP, or sends urgent data"),
  TABLE_FULL("the helper's tables are full"),
  SOCKMAP_BUSY("another program's sockmap owns the socket"),
  ULP("the socket has an upper-layer protocol, such as kernel TLS"),
  UNSUPPORTED("a socket of a kind that a sockmap does not take, such as MPTCP"),
  PAUSED("the helper is stopping"),
  NO_RECORD("the kernel had no memory for the socket's record"),
  FAILED("the kernel refused it for another cause"),
  BEHIND("its reader does not keep up; it is looked at again as that changes"),
  RULE("a rule of the administrator says so"),
  CONTENDED("bursts of messages wait for their reader more than they gain"),
  UNTRUSTED(
      "its two processes are of different users or containers; a line of the helper's policy,"
          + " such as \"trust uid <one> <other>\", brings them together"),
  QUOTA("its user has as many sockets in the helper's tables as one user may have"),
  NOT_HOOKED(
      "the socket was made in a cgroup that the helper's programs are not attached to; its agent"
          + " asks for that"),
  NOT_REGISTERED("the registration of its process with the helper has ended");

  private static final Reason[] ALL = values();

  private final String wireName = name().toLowerCase(Locale.ROOT).replace('_', '-');

  private final String explanation;

  Reason(String explanation) {
    this.explanation = explanation;
  }

  /** The name in the protocol: lower case, with hyphens. */
  public String wireName() {
    return wireName;
  }

  /** For people, in one sentence without a full stop: what it means, and what can be done. */
  public String explanation() {
    return explanation;
  }

  /** The number the kernel side uses. */
  @SuppressWarnings("EnumOrdinal") // the order is the contract with bpf/underpass.h, and is tested
  public int number() {
    return ordinal();
  }

  /** The reason of that wire name; {@link #FAILED} for one that this version does not know. */
  public static Reason ofWireName(String name) {
    for (Reason reason : ALL) {
      if (reason.wireName.equals(name)) {
        return reason;
      }
    }
    return FAILED;
  }

  /** The reason of that kernel-side number; {@link #FAILED} for one out of range. */
  public static Reason ofNumber(int number) {
    return number >= 0 && number < ALL.length ? ALL[number] : FAILED;
  }
}
