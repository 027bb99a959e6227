/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.protocol;

/**
 * The socket options by which a process speaks with the BPF programs about its own sockets: {@code
 * UP_SOL} and {@code UP_OPT_*} of {@code bpf/underpass.h}, with which a test compares them. All
 * values are ints.
 */
public final class SocketOptions {
  /** Level of all of these options. */
  public static final int LEVEL = 0x7570;

  /** Set: this socket sends by TCP from now on. */
  public static final int PIN_TCP = 1;

  /** Get: bytes that can be read at once from both queues; -1 if the socket has no record. */
  public static final int AVAILABLE = 2;

  /** Get: bytes in the psock queue. */
  public static final int UNREAD = 3;

  /**
   * Get: bytes that a writer of much waits for the reader to read; 0 for none; -1 if the socket is
   * not accelerated; or {@link #READER_WAITS}.
   */
  public static final int BEHIND = 4;

  /** Set: this socket is worth a record; set again: the program does what needs its lock. */
  public static final int ACCELERATE = 5;

  /** Get: 1 if the socket is enrolled, else -1. */
  public static final int ENROLLED = 6;

  /** Get: 1 if a reset ended the connection, perhaps without an error; else 0. */
  public static final int RESET = 7;

  /** An answer of {@link #BEHIND}: the reader has read all, and runs on another processor. */
  public static final int READER_WAITS = -2;

  private SocketOptions() {}
}
