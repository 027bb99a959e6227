package io.underpass.agent.beans;

import io.underpass.Version;
import io.underpass.agent.boot.Registration;
import io.underpass.agent.hooks.Hooks;
import io.underpass.agent.jmx.AcceleratorMXBean;
import io.underpass.agent.weave.Weaver;
import io.underpass.protocol.Probe;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Answers from the registration and the hooks. */
final class Accelerator implements AcceleratorMXBean {
  /** The one reason that the helper does not know. */
  private static final String BRIEF = "brief";

  private final Registration registration;

  Accelerator(Registration registration) {
    this.registration = registration;
  }

  @Override
  public String getState() {
    return registration.standing().state();
  }

  @Override
  public String getReason() {
    return registration.standing().reason();
  }

  @Override
  public String getRemedy() {
    return registration.standing().remedy();
  }

  @Override
  public String getAgentVersion() {
    return Version.VERSION;
  }

  @Override
  public String getHelperVersion() {
    return registration.standing().helper();
  }

  @Override
  public long getRegistrationId() {
    return registration.standing().id();
  }

  @Override
  public Map<String, String> getProbes() {
    Map<String, String> probes = new TreeMap<>();
    for (Probe probe : registration.standing().probes()) {
      probes.put(probe.name(), probe.verdict());
    }
    return probes;
  }

  @Override
  public long getConnectionsAccelerated() {
    return registration.totals().connectionsAccelerated();
  }

  @Override
  public Map<String, Long> getConnectionsPlain() {
    Map<String, Long> plain = new TreeMap<>();
    registration.totals().plain().forEach((reason, n) -> plain.put(reason.wireName(), n));
    long brief = Hooks.COUNTS.briefCount();
    if (brief > 0) {
      plain.put(BRIEF, brief);
    }
    return plain;
  }

  @Override
  public long getBytesRedirected() {
    return registration.totals().bytesRedirected();
  }

  @Override
  public long getMessagesRedirected() {
    return registration.totals().messagesRedirected();
  }

  @Override
  public long getBytesPassed() {
    return registration.totals().bytesPassed();
  }

  @Override
  public long getMessagesPassed() {
    return registration.totals().messagesPassed();
  }

  @Override
  public long getSwitches() {
    return registration.totals().switches();
  }

  @Override
  public long getSocketsCreated() {
    return Hooks.COUNTS.createdCount();
  }

  @Override
  public long getSocketsOpen() {
    return Hooks.TABLE.size();
  }

  @Override
  public long getBinds() {
    return Hooks.COUNTS.boundCount();
  }

  @Override
  public long getConnects() {
    return Hooks.COUNTS.connectedCount();
  }

  @Override
  public long getAccepts() {
    return Hooks.COUNTS.acceptedCount();
  }

  @Override
  public long getCloses() {
    return Hooks.COUNTS.closedCount();
  }

  @Override
  public long getSpinsWon() {
    return Hooks.SPINS.wonCount();
  }

  @Override
  public long getSpinsLost() {
    return Hooks.SPINS.lostCount();
  }

  @Override
  public long getPacesWon() {
    return Hooks.PACES.wonCount();
  }

  @Override
  public long getPacesLost() {
    return Hooks.PACES.lostCount();
  }

  @Override
  public long getSuppressedErrors() {
    return Hooks.suppressed();
  }

  @Override
  public List<String> getInstrumented() {
    return Weaver.woven();
  }

  @Override
  public List<String> getNotInstrumented() {
    return Weaver.leftAlone();
  }
}
