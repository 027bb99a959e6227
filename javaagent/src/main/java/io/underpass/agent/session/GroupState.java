/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.session;

import io.underpass.protocol.GroupWish;
import io.underpass.protocol.Reply;
import io.underpass.protocol.WireException;

/**
 * What became of the port group that this JVM asks for.
 *
 * @param group its name; empty if it asks for none
 * @param joined whether it is a member
 * @param ports as the option has them
 * @param publish likewise
 * @param identity the address that it has; empty if none
 * @param reason why it is no member; empty if it is one, or asks for none
 */
public record GroupState(
    String group, boolean joined, String ports, String publish, String identity, String reason) {
  private static final GroupState NONE = new GroupState("", false, "", "", "", "");

  /** Before the helper has answered. */
  static GroupState waiting(GroupWish wish) {
    return wish == null ? NONE : out(wish, "");
  }

  /** The helper has registered the JVM with its wish, which is null for no group. */
  static GroupState of(GroupWish wish, Reply reply) throws WireException {
    if (wish == null) {
      return NONE;
    }
    return new GroupState(
        wish.group(), true, wish.ports().text(), wish.publish().text(), reply.text("identity"), "");
  }

  static GroupState refused(GroupWish wish, WireException refusal) {
    return out(wish, refusal.getMessage());
  }

  private static GroupState out(GroupWish wish, String reason) {
    return new GroupState(
        wish.group(), false, wish.ports().text(), wish.publish().text(), "", reason);
  }
}
