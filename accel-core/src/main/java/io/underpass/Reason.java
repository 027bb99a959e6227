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
  /** It is accelerated. */
  NONE,
  /** Too young, or too quiet, to tell. */
  UNDECIDED,
  /** The other end is not on this host, or its process is not registered. */
  NO_PEER,
  /** Traffic of a kind that would lose by it. */
  ONE_WAY,
  /** The application asked for TCP, or sends urgent data. */
  PINNED,
  /** The table of enrolled sockets is full. */
  TABLE_FULL,
  /** Another sockmap owns the socket (EBUSY). */
  SOCKMAP_BUSY,
  /** The socket has an upper-layer protocol, such as kernel TLS. */
  ULP,
  /** MPTCP, or a state that a sockmap does not take. */
  UNSUPPORTED,
  /** The helper is stopping. */
  PAUSED,
  /** The kernel had no memory for the socket's record. */
  NO_RECORD,
  /** Enrolment failed for any other cause. */
  FAILED,
  /** Its reader does not keep up, so that most of it would go by TCP in any case. */
  BEHIND,
  /** A rule of the administrator says so; of an accelerated flow too, which then stays so. */
  RULE,
  /** Bursts of messages that meet their reader at work, and wait for it more than they gain. */
  CONTENDED,
  /**
   * Its two processes are different users', and no line of the policy has them trust each other.
   */
  UNTRUSTED,
  /** Its user has as many sockets in the tables as one user may have. */
  QUOTA;

  private static final Reason[] ALL = values();

  private final String wireName = name().toLowerCase(Locale.ROOT).replace('_', '-');

  /** The name in the protocol: lower case, with hyphens. */
  public String wireName() {
    return wireName;
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
