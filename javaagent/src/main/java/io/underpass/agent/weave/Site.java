/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.weave;

/** Where a hook is being put, and whether that worked. */
final class Site {
  private final String type;
  private final Hook hook;
  private boolean placed;
  private String refusal = "";

  /** For a class, by its internal name. */
  Site(String type, Hook hook) {
    this.type = type;
    this.hook = hook;
  }

  String type() {
    return type;
  }

  /** The hook has found its place. */
  void placed() {
    placed = true;
  }

  /** The method is such that the hook would break it: what is woven is not to be used. */
  void refuse(String why) {
    refusal = why;
  }

  /** Why the hook is not in the class; null if it is. */
  String fault() {
    if (!refusal.isEmpty()) {
      return hook.method() + " " + refusal;
    }
    return placed ? null : hook.method() + " has " + hook.place();
  }
}
