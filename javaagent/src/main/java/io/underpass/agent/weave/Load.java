/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.weave;

/**
 * Something for a hook to load: a local variable, or a field of what a local variable holds.
 *
 * @param local its index; the methods are instance methods, so 0 is {@code this}
 * @param field the field's name; null for the variable itself
 * @param descriptor of the field or the variable
 */
record Load(int local, String field, String descriptor) {
  static Load field(String name, String descriptor) {
    return new Load(0, name, descriptor);
  }

  static Load argument(int local, String descriptor) {
    return new Load(local, null, descriptor);
  }

  /** The same field of another object of the class, an argument. */
  Load of(int otherLocal) {
    return new Load(otherLocal, field, descriptor);
  }
}
