/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.host;

import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;

/** Finds the cgroup v2 hierarchy; on hybrid hosts it is mounted beside those of v1. */
public final class CgroupMount {
  private CgroupMount() {}

  /** Where this process sees it. */
  public static Path find() throws HelperException {
    return find(MountInfo.ofSelf());
  }

  /** The mount of the whole hierarchy, else, as in a container, of a part of it. */
  public static Path find(List<MountInfo> mounts) throws HelperException {
    return mounts.stream()
        .filter(m -> m.type().equals("cgroup2"))
        .min(Comparator.comparing(m -> !m.root().equals("/")))
        .map(MountInfo::point)
        .orElseThrow(
            () ->
                new HelperException(
                    "no cgroup v2 hierarchy is mounted",
                    "mount one: mkdir -p /sys/fs/cgroup/unified &&"
                        + " mount -t cgroup2 none /sys/fs/cgroup/unified"));
  }
}
