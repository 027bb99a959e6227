/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.beans;

import io.underpass.Version;
import io.underpass.agent.hooks.Acceleration;
import io.underpass.agent.jmx.AcceleratorMXBean;
import io.underpass.agent.jmx.ErrorRow;
import io.underpass.agent.report.ErrorLog;
import io.underpass.agent.session.HelperNumbers;
import io.underpass.agent.session.HelperSession;
import io.underpass.agent.weave.Weaver;
import io.underpass.protocol.Probe;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Answers from the session and the hooks. */
final class Accelerator implements AcceleratorMXBean {
  /** The one reason that the helper does not know. */
  private static final String BRIEF = "brief";

  private final HelperSession session;
  private final HelperNumbers numbers;
  private final Acceleration acceleration;
  private final Weaver weaver;

  Accelerator(
      HelperSession session, HelperNumbers numbers, Acceleration acceleration, Weaver weaver) {
    this.session = session;
    this.numbers = numbers;
    this.acceleration = acceleration;
    this.weaver = weaver;
  }

  @Override
  public String getState() {
    return session.state().state();
  }

  @Override
  public String getReason() {
    return session.state().reason();
  }

  @Override
  public String getRemedy() {
    return session.state().remedy();
  }

  @Override
  public String getAgentVersion() {
    return Version.VERSION;
  }

  @Override
  public String getHelperVersion() {
    return session.state().helper();
  }

  @Override
  public long getRegistrationId() {
    return session.state().id();
  }

  @Override
  public Map<String, String> getProbes() {
    Map<String, String> probes = new TreeMap<>();
    for (Probe probe : session.state().probes()) {
      probes.put(probe.name(), probe.verdict());
    }
    return probes;
  }

  @Override
  public long getConnectionsAccelerated() {
    return numbers.totals().connectionsAccelerated();
  }

  @Override
  public Map<String, Long> getConnectionsPlain() {
    Map<String, Long> plain = new TreeMap<>();
    numbers.totals().plain().forEach((reason, n) -> plain.put(reason.wireName(), n));
    long brief = acceleration.counts().briefCount();
    if (brief > 0) {
      plain.put(BRIEF, brief);
    }
    return plain;
  }

  @Override
  public long getBytesRedirected() {
    return numbers.totals().bytesRedirected();
  }

  @Override
  public long getMessagesRedirected() {
    return numbers.totals().messagesRedirected();
  }

  @Override
  public long getBytesPassed() {
    return numbers.totals().bytesPassed();
  }

  @Override
  public long getMessagesPassed() {
    return numbers.totals().messagesPassed();
  }

  @Override
  public long getSwitches() {
    return numbers.totals().switches();
  }

  @Override
  public long getSocketsCreated() {
    return acceleration.counts().createdCount();
  }

  @Override
  public long getSocketsOpen() {
    return acceleration.table().size();
  }

  @Override
  public long getBinds() {
    return acceleration.counts().boundCount();
  }

  @Override
  public long getConnects() {
    return acceleration.counts().connectedCount();
  }

  @Override
  public long getAccepts() {
    return acceleration.counts().acceptedCount();
  }

  @Override
  public long getCloses() {
    return acceleration.counts().closedCount();
  }

  @Override
  public long getSpinsWon() {
    return acceleration.spins().wonCount();
  }

  @Override
  public long getSpinsLost() {
    return acceleration.spins().lostCount();
  }

  @Override
  public long getPacesWon() {
    return acceleration.paces().wonCount();
  }

  @Override
  public long getPacesLost() {
    return acceleration.paces().lostCount();
  }

  @Override
  public long getSuppressedErrors() {
    return ErrorLog.AGENT.count();
  }

  @Override
  public List<ErrorRow> getLastErrors() {
    List<ErrorRow> rows = new ArrayList<>();
    for (ErrorLog.Seen seen : ErrorLog.AGENT.seen()) {
      rows.add(
          new ErrorRow(
              seen.type(),
              seen.message(),
              String.join(" < ", seen.frames()),
              seen.count(),
              Instant.ofEpochMilli(seen.first()).toString(),
              Instant.ofEpochMilli(seen.last()).toString()));
    }
    return rows;
  }

  @Override
  public List<String> getInstrumented() {
    return weaver.woven();
  }

  @Override
  public List<String> getNotInstrumented() {
    return weaver.leftOut();
  }
}
