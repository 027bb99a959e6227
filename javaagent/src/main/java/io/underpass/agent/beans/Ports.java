package io.underpass.agent.beans;

import io.underpass.agent.boot.Registration;
import io.underpass.agent.jmx.PortRow;
import io.underpass.agent.jmx.PortsMXBean;
import io.underpass.protocol.PortView;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** Answers from the registration. */
final class Ports implements PortsMXBean {
  private final Registration registration;

  Ports(Registration registration) {
    this.registration = registration;
  }

  @Override
  public String getGroup() {
    return registration.groupStanding().group();
  }

  @Override
  public boolean isJoined() {
    return registration.groupStanding().joined();
  }

  @Override
  public String getReason() {
    return registration.groupStanding().reason();
  }

  @Override
  public String getPorts() {
    return registration.groupStanding().ports();
  }

  @Override
  public String getPublish() {
    return registration.groupStanding().publish();
  }

  @Override
  public String getIdentity() {
    return registration.groupStanding().identity();
  }

  @Override
  public List<PortRow> getBound() {
    Instant now = Instant.now();
    List<PortRow> rows = new ArrayList<>();
    for (PortView view : registration.ports()) {
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
