/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass;

/** The versions that two parts of Underpass tell each other. */
public final class Version {
  /** The version of this build: Maven writes the project's version into this line. */
  public static final String VERSION = "${project.version}";

  /** Of the helper's protocol; a change that an older side would misread gets a new number. */
  public static final int PROTOCOL = 1;

  private Version() {}
}
