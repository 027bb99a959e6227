/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.kernel;

import java.util.ArrayList;
import java.util.List;

/** What has been opened so far, to be closed in the opposite order. Not synchronized. */
public final class OpenResources implements AutoCloseable {
  private final List<AutoCloseable> open = new ArrayList<>();

  public <T extends AutoCloseable> T keep(T resource) {
    open.add(resource);
    return resource;
  }

  /** Because opening the rest has failed: what fails now too is told with it. */
  public void closeAfter(Exception cause) {
    for (AutoCloseable resource : open.reversed()) {
      try {
        resource.close();
      } catch (Exception e) {
        cause.addSuppressed(e);
      }
    }
    open.clear();
  }

  @Override
  public void close() {
    IllegalStateException failed = new IllegalStateException("closing what was open");
    closeAfter(failed);
    if (failed.getSuppressed().length > 0) {
      throw failed;
    }
  }
}
