/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.helper;

/**
 * What one uid has of the control server; those who administer it have one together, without
 * bounds. Belongs to the server's thread.
 */
final class Tenant {
  /** Seconds of a processor that can be saved up: a look at a hundred thousand flows takes one. */
  private static final double PROCESSOR_SAVED = 1;

  /** As many as a busy host starts together, or a helper that comes back has waiting. */
  private static final double LOOKS_SAVED = 256;

  private final Tenants all;
  private final int uid;
  private final boolean admin;
  private final Allowance processor;
  private final Allowance looks;

  /** Connections that are not closed yet. */
  private int connections;

  /** Those of them that have not registered. */
  private int unregistered;

  /** Those that are in work, and those that are about to end, included. */
  private int registrations;

  /** Bytes of replies that wait to be read. */
  private long unread;

  private Tenant(Tenants all, int uid, boolean admin, ControlServer.Limits limits, long now) {
    this.all = all;
    this.uid = uid;
    this.admin = admin;
    this.processor = new Allowance(limits.processor(), PROCESSOR_SAVED, now);
    this.looks = new Allowance(limits.looks(), LOOKS_SAVED, now);
  }

  static Tenant of(Tenants all, int uid, ControlServer.Limits limits, long now) {
    return new Tenant(all, uid, false, limits, now);
  }

  static Tenant administration(Tenants all, ControlServer.Limits limits) {
    return new Tenant(all, 0, true, limits, System.nanoTime());
  }

  int uid() {
    return uid;
  }

  /** Whether it administers the helper: sees all, and may stop it. */
  boolean isAdmin() {
    return admin;
  }

  int connections() {
    return connections;
  }

  int unregistered() {
    return unregistered;
  }

  int registrations() {
    return registrations;
  }

  long unread() {
    return unread;
  }

  void addConnections(int more) {
    connections += more;
  }

  void addUnregistered(int more) {
    unregistered += more;
  }

  void addRegistrations(int more) {
    registrations += more;
  }

  void addUnread(long more) {
    unread += more;
    all.addUnread(more);
  }

  /** It has used so much of a processor. */
  void spend(long nanos, long now) {
    processor.spend(nanos / 1e9, now);
  }

  /** A process of its is looked at. */
  void look(long now) {
    looks.spend(1, now);
  }

  /** When it may ask for something again, in nanoseconds; 0: now. */
  long nanosUntilAsk(long now) {
    return admin ? 0 : processor.nanosUntil(0, now);
  }

  /** When it may have a process looked at, likewise. */
  long nanosUntilLook(long now) {
    return Math.max(nanosUntilAsk(now), looks.nanosUntil(1, now));
  }

  /** Whether to forget it changes nothing. */
  boolean isNobody(long now) {
    return connections == 0 && registrations == 0 && processor.isFull(now) && looks.isFull(now);
  }
}
