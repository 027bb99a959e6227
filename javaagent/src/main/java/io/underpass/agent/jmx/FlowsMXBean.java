/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.jmx;

import java.util.List;

/** {@code io.underpass:type=Flows}: this JVM's connections as the kernel side sees them. */
public interface FlowsMXBean {
  /** At most {@link #getLimit} of them, those with most bytes first. */
  List<FlowRow> getFlows();

  /** The bound of the table: the option {@code flows}. */
  int getLimit();
}
