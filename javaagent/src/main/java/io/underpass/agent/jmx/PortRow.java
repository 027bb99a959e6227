/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.jmx;

/**
 * One row of the table: a socket that is bound to a port of the group.
 *
 * @param since when it was bound, ISO 8601, in UTC
 * @param published whether others reach it at {@code port} too
 * @param confined whether only the group may connect to it
 */
public record PortRow(
    String group,
    int port,
    int real,
    String protocol,
    String address,
    int pid,
    String since,
    boolean published,
    boolean confined) {
  /** The group. */
  public String getGroup() {
    return group;
  }

  /** The port that the program sees. */
  public int getPort() {
    return port;
  }

  /** The port that the kernel has. */
  public int getReal() {
    return real;
  }

  /** {@code tcp} or {@code udp}. */
  public String getProtocol() {
    return protocol;
  }

  /** As it is bound. */
  public String getAddress() {
    return address;
  }

  /** Whose it is. */
  public int getPid() {
    return pid;
  }

  /** When it was bound. */
  public String getSince() {
    return since;
  }

  /** Whether others reach it. */
  public boolean isPublished() {
    return published;
  }

  /** Whether only the group does. */
  public boolean isConfined() {
    return confined;
  }
}
