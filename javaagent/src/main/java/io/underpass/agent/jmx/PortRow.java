package io.underpass.agent.jmx;

import io.underpass.protocol.PortView;
import java.time.Instant;

/**
 * One row of the table: a {@link PortView}, with its age as a moment.
 *
 * @param since when it was bound, ISO 8601, in UTC
 * @param published whether others reach it at {@code port} too
 * @param confined whether only the group may connect to it
 */
public record PortRow(
    String group,
    int port,
    int real,
    String protocol,
    String address,
    int pid,
    String since,
    boolean published,
    boolean confined) {
  static PortRow of(PortView view, Instant now) {
    return new PortRow(
        view.group(),
        view.virtual(),
        view.real(),
        view.protocol(),
        view.address(),
        view.pid(),
        now.minusMillis(view.ageMillis()).toString(),
        view.published(),
        view.confined());
  }
}
