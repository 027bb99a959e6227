package io.underpass;

/** The versions that two parts of Underpass tell each other. */
public final class Version {
  /** Of this build; the project's version without its qualifier. */
  public static final String VERSION = "0.1.0";

  /** Of the helper's protocol; a change that an older side would misread gets a new number. */
  public static final int PROTOCOL = 1;

  private Version() {}
}
