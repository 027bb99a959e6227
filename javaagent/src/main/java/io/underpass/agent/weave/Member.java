/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.weave;

/** One hook of one class of the JDK, and what it is for. */
final class Member {
  private final String type;
  private final Hook hook;
  private final Repair repair;
  private final String need;

  private Member(String type, Hook hook, Repair repair, String need) {
    this.type = type;
    this.hook = hook;
    this.repair = repair;
    this.need = need;
  }

  /** One that acceleration can do without. */
  static Member optional(String type, Hook hook) {
    return new Member(type, hook, null, "");
  }

  /** One that acceleration cannot do without. */
  static Member needed(String type, Hook hook, Repair repair) {
    return new Member(
        type, hook, repair, hook.getClass().getName() + " " + type + " " + hook.method());
  }

  /**
   * One of several places in different releases of the JDK, of which acceleration needs one.
   *
   * @param need the same text for each of them
   */
  static Member oneOf(String need, String type, Hook hook, Repair repair) {
    return new Member(type, hook, repair, need);
  }

  /** The class, by its internal name. */
  String type() {
    return type;
  }

  Hook hook() {
    return hook;
  }

  /** Null where acceleration can do without it. */
  Repair repair() {
    return repair;
  }

  /** What it is one of the places for; empty where acceleration can do without it. */
  String need() {
    return need;
  }
}
