/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.jmx;

import java.util.List;

/** {@code io.underpass:type=Ports}: this JVM's port group, and who listens in it. */
public interface PortsMXBean {
  /** The group's name; empty if this JVM asks for none. */
  String getGroup();

  /** Whether this JVM is a member of it. */
  boolean isJoined();

  /** Why it is not; empty if it is. */
  String getReason();

  /** The option {@code ports}. */
  String getPorts();

  /** The option {@code publish}. */
  String getPublish();

  /** The address that this JVM has for itself; empty if it has none. */
  String getIdentity();

  /** The sockets of the whole group that are bound to its ports. */
  List<PortRow> getBound();
}
