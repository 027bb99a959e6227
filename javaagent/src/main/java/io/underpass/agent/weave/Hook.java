/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.weave;

import java.util.ArrayList;
import java.util.List;
import net.bytebuddy.jar.asm.MethodVisitor;

/** A call of the bridge at one place of one method; each kind of place is a subclass. Immutable. */
abstract class Hook {
  private final String method;
  private final List<Load> loads;

  /**
   * @param method internal name and descriptor, in one
   * @param loads what the call is given; nulls are nothing
   */
  Hook(String method, Load... loads) {
    this.method = method;
    List<Load> given = new ArrayList<>();
    for (Load load : loads) {
      if (load != null) {
        given.add(load);
      }
    }
    this.loads = List.copyOf(given);
  }

  final String method() {
    return method;
  }

  /** What the class has to have for it, beside the method. */
  final List<Load> loads() {
    return loads;
  }

  /** Copies the method to {@code to}, with the call in it. */
  abstract Weaving weaving(MethodVisitor to, Site site);

  /** The place that is looked for in the method, where it is not the method itself. */
  String place() {
    return "no way out";
  }
}
