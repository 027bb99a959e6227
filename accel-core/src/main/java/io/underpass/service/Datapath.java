/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.service;

import io.underpass.policy.Net;
import io.underpass.protocol.Drained;
import io.underpass.protocol.FlowView;
import io.underpass.protocol.GroupWish;
import io.underpass.protocol.HelperState;
import io.underpass.protocol.PortView;
import io.underpass.protocol.Probe;
import io.underpass.protocol.Totals;
import io.underpass.protocol.UserShare;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * What carries the bytes of registered processes, as the control server sees it. Methods are called
 * by the server's thread and by users of an embedded helper, at the same time.
 *
 * <p>A method that throws {@link io.underpass.protocol.WireException} chooses the reply's code;
 * another exception is an internal error to the client, and is logged.
 */
public interface Datapath extends AutoCloseable {
  /** Stands for every registration in {@link #flows}. */
  int ALL = 0;

  /**
   * The flows that were asked for.
   *
   * @param total how many there are
   * @param top those with most bytes, most first, up to the limit
   */
  record Flows(long total, List<FlowView> top) {}

  /** The first id to use, above those of registrations that a former helper left; at least 1. */
  int firstId();

  /** From here on the sockets of this process, those it has too, are looked at. */
  void admit(Registration registration) throws IOException;

  /**
   * The process has sockets that its registration does not reach: it was moved to another cgroup.
   */
  void claim(Registration registration) throws IOException;

  /**
   * Which sockets that are bound to ports of groups are asked for.
   *
   * @param everybodys whether those of all users; else of {@code uid}, and of the group {@code own}
   * @param own empty for none
   * @param group null for every one
   * @param port -1 for every one
   * @param limit how many are told; the others are counted
   */
  record PortQuery(boolean everybodys, int uid, String own, String group, int port, int limit) {}

  /**
   * The sockets that were asked for.
   *
   * @param total how many there are
   * @param first by group, port, protocol and age, up to the limit
   */
  record Ports(int total, List<PortView> first) {}

  /**
   * Makes a process that was admitted a member of a port group, or, with null, of none. A refusal
   * changes nothing.
   *
   * @param wish what the policy granted
   * @param datagrams whether it may have datagram sockets before {@link #datagrams} is called
   * @param pools where {@code identity=auto} comes from
   * @return its identity; empty if it has none
   */
  String joinGroup(Registration registration, GroupWish wish, boolean datagrams, List<Net> pools)
      throws IOException;

  /**
   * A member of a port group is about to make its first datagram socket; returns when that can be
   * translated.
   */
  void datagrams(Registration registration) throws IOException;

  /** The ports of groups that are bound, as far as they are asked for. */
  Ports ports(PortQuery query) throws IOException;

  /** The process's sockets go back to TCP, and it is in no port group any more. */
  void dismiss(Registration registration);

  Totals totals(Registration registration) throws IOException;

  /** The flows of one registration's id, or of {@link #ALL}. */
  Flows flows(int id, int limit) throws IOException;

  /** How many sockets have a record, by registration's id; no entry is 0. */
  Map<Integer, Long> flowCounts() throws IOException;

  /** What each user's sockets take of the tables. */
  List<UserShare> users() throws IOException;

  /**
   * Takes every flow back to TCP, and then all that is attached and pinned away. What has unread
   * bytes after {@code wait} stays pinned, paused. From then on nobody is admitted. A second call
   * shortens the wait of the first, and has the same result.
   */
  Drained drain(Duration wait) throws IOException;

  /** What it does. */
  HelperState state();

  /** Why it is in that state; empty if there is nothing to say. */
  String reason();

  /** What the kernel was found to do when it was tried, at the start. */
  List<Probe> probes();

  /**
   * Who is told when something has failed without which nothing is carried: the helper has to end.
   */
  void whenFailed(Consumer<Throwable> who);

  /** Does now what would be done at the next sweep, and returns when it is done. */
  void sweep() throws IOException;

  /** Drains, if that has not been done, and gives up what it holds in this process. */
  @Override
  void close();
}
