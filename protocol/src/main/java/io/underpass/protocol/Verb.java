/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.protocol;

import java.util.List;

/** The requests that the protocol knows. */
public enum Verb {
  /** Registers the calling process for as long as the connection lasts. */
  REGISTER,
  /** The calling process has sockets that its registration does not reach. */
  CLAIM,
  /** The calling process, a member of a port group, is about to make its first datagram socket. */
  DATAGRAMS,
  /** Asks for the totals of this connection's registration. */
  TOTALS,
  /** Asks for the flows, most bytes first. */
  FLOWS,
  /** Asks for the ports of groups that are bound. */
  PORTS,
  /** Asks for the state of the helper. */
  STATUS,
  /** Ends the helper in good order: administration only; the reply comes when that is done. */
  DRAIN;

  /** The names that a request of this verb has. */
  List<String> names() {
    return switch (this) {
      case REGISTER -> List.of("proto", "agent", "enabled");
      case FLOWS, PORTS -> List.of("limit");
      case DRAIN -> List.of("wait");
      case CLAIM, DATAGRAMS, TOTALS, STATUS -> List.of();
    };
  }

  /** The names that it may have beside those. */
  List<String> optionalNames() {
    return switch (this) {
      case REGISTER -> List.of("group", "ports", "publish", "identity", "datagrams");
      case PORTS -> List.of("group", "port");
      case CLAIM, DATAGRAMS, FLOWS, TOTALS, STATUS, DRAIN -> List.of();
    };
  }
}
