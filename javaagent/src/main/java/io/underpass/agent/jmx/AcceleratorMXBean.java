/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.jmx;

import java.util.List;
import java.util.Map;

/**
 * {@code io.underpass:type=Accelerator}: where this JVM's acceleration stands, and its totals.
 *
 * <p>Numbers of connections, bytes and messages are the helper's, at most 200 ms old; while the
 * helper is gone they are the last known. Numbers of sockets are the agent's own, since it started.
 */
public interface AcceleratorMXBean {
  /**
   * {@code registered}, {@code refused} (the kernel failed the helper's probe: all runs plain),
   * {@code plain} or {@code helper-gone}.
   */
  String getState();

  /** Why it is not registered; empty if it is. */
  String getReason();

  /** What helps; empty if it is registered. */
  String getRemedy();

  /** Of this agent. */
  String getAgentVersion();

  /** Of the helper, or the last known. */
  String getHelperVersion();

  /** Of the registration, or the last; 0 if there never was one. */
  long getRegistrationId();

  /** What the helper found the kernel to do, by behaviour: {@code ok}, or what is wrong. */
  Map<String, String> getProbes();

  /** Sockets of which a byte was redirected. */
  long getConnectionsAccelerated();

  /**
   * Connections that ran plain, by reason; {@code brief}: they ended before the helper heard of
   * them.
   */
  Map<String, Long> getConnectionsPlain();

  /** Bytes sent that went socket to socket. */
  long getBytesRedirected();

  /** The messages that carried them. */
  long getMessagesRedirected();

  /** Bytes sent on enrolled sockets that went by TCP. */
  long getBytesPassed();

  /** The messages that carried them. */
  long getMessagesPassed();

  /** Changes of a direction between TCP and redirect. */
  long getSwitches();

  /** Sockets that the program made. */
  long getSocketsCreated();

  /** Sockets that have a record now. */
  long getSocketsOpen();

  /** Sockets that the program bound. */
  long getBinds();

  /** Connections made. */
  long getConnects();

  /** Connections accepted. */
  long getAccepts();

  /** Sockets closed. */
  long getCloses();

  /** Reads that looked for their bytes for some microseconds, and so did not have to sleep. */
  long getSpinsWon();

  /** Reads that looked in vain, and slept. */
  long getSpinsLost();

  /** Large writes that let the reader come along first, and stayed past the TCP/IP stack so. */
  long getPacesWon();

  /** Large writes that waited for their reader in vain. */
  long getPacesLost();

  /** Errors of the agent that the application did not see. Anything but 0 is a bug of the agent. */
  long getSuppressedErrors();

  /**
   * The same by kind: one row for each of the first 32 kinds, in the order of their first errors.
   */
  List<ErrorRow> getLastErrors();

  /** The JDK's classes that have hooks in them; each comes when it is loaded. */
  List<String> getInstrumented();

  /**
   * The hooks that this JDK has no place for, each with the reason. If a repair is among them, this
   * JVM is not accelerated, and the reason of the state names it.
   */
  List<String> getNotInstrumented();
}
