/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.helper;

import io.underpass.protocol.ErrorCode;
import io.underpass.protocol.WireException;
import java.util.HashMap;
import java.util.Map;

/**
 * All uids that have something of the control server, and what is left for others. Belongs to the
 * server's thread.
 *
 * <p>A uid has at most as many connections as are still free, and registrations likewise (see
 * {@link Requests}): one alone half of all, two a third each, and whoever comes next still finds
 * some.
 */
final class Tenants {
  /** Uids that are remembered at once; a user namespace maps 65,536. */
  private static final int MAX_UIDS = 16_384;

  /** Beside those of uids: whoever administers the helper is not kept from it by others. */
  private static final int ADMIN_CONNECTIONS = 32;

  /** How often those are forgotten that have nothing any more. */
  private static final long FORGET_NANOS = 1_000_000_000;

  private final ControlServer.Limits limits;
  private final Map<Integer, Tenant> byUid = new HashMap<>();
  private final Tenant administration;
  private int connections;
  private long unread;
  private long forgotten = System.nanoTime();

  Tenants(ControlServer.Limits limits) {
    this.limits = limits;
    this.administration = Tenant.administration(this, limits);
  }

  Tenant administration() {
    return administration;
  }

  /** The tenant that a connection of this uid is one of. */
  Tenant of(int uid, long now) throws WireException {
    Tenant known = byUid.get(uid);
    if (known != null) {
      return known;
    }
    if (now - forgotten > FORGET_NANOS) {
      forgotten = now;
      byUid.values().removeIf(t -> t.isNobody(now));
    }
    if (byUid.size() >= MAX_UIDS) {
      throw new WireException(ErrorCode.FULL, "too many users at once");
    }
    Tenant made = Tenant.of(this, uid, limits, now);
    byUid.put(uid, made);
    return made;
  }

  /** Counts a connection, if there is room for it. */
  void open(Tenant tenant) throws WireException {
    if (tenant.isAdmin()) {
      if (tenant.connections() >= ADMIN_CONNECTIONS) {
        throw new WireException(ErrorCode.FULL, "too many connections for administration");
      }
    } else {
      String uid = "uid " + Integer.toUnsignedString(tenant.uid());
      if (tenant.connections() >= limits.connections() - connections) {
        throw new WireException(
            ErrorCode.FULL, uid + " has as many connections as are left for all others");
      }
      if (tenant.unregistered() >= limits.unregistered()) {
        throw new WireException(
            ErrorCode.FULL, uid + " has too many connections that have not registered");
      }
      connections++;
    }
    tenant.addConnections(1);
    tenant.addUnregistered(1);
  }

  /** The descriptor of a connection is closed. */
  void closed(Tenant tenant) {
    tenant.addConnections(-1);
    if (!tenant.isAdmin()) {
      connections--;
    }
  }

  /** Bytes of replies that wait to be read have become more, or fewer. */
  void addUnread(long more) {
    unread += more;
  }

  /** Whether a reply that may be large is to be made now, or later. */
  boolean hasRoom(Tenant tenant) {
    return unread < limits.replyBytes() && tenant.unread() < limits.replyBytes() / 4;
  }
}
