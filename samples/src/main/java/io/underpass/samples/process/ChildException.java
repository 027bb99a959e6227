/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.process;

/** A child process did not do what it was started for; the message is fit to be shown as it is. */
public final class ChildException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  public ChildException(String message) {
    super(message);
  }

  public ChildException(String message, Throwable cause) {
    super(message, cause);
  }
}
