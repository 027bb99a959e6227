/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.beans;

import io.underpass.agent.jmx.PortRow;
import io.underpass.agent.jmx.PortsMXBean;
import io.underpass.agent.session.HelperNumbers;
import io.underpass.agent.session.HelperSession;
import io.underpass.protocol.PortView;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** Answers from the session. */
final class Ports implements PortsMXBean {
  private final HelperSession session;
  private final HelperNumbers numbers;

  Ports(HelperSession session, HelperNumbers numbers) {
    this.session = session;
    this.numbers = numbers;
  }

  @Override
  public String getGroup() {
    return session.group().group();
  }

  @Override
  public boolean isJoined() {
    return session.group().joined();
  }

  @Override
  public String getReason() {
    return session.group().reason();
  }

  @Override
  public String getPorts() {
    return session.group().ports();
  }

  @Override
  public String getPublish() {
    return session.group().publish();
  }

  @Override
  public String getIdentity() {
    return session.group().identity();
  }

  @Override
  public List<PortRow> getBound() {
    Instant now = Instant.now();
    List<PortRow> rows = new ArrayList<>();
    for (PortView view : numbers.ports()) {
      rows.add(row(view, now));
    }
    return rows;
  }

  private static PortRow row(PortView view, Instant now) {
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
