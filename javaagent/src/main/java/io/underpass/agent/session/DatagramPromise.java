/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.session;

import io.underpass.agent.report.Console;
import io.underpass.agent.report.ErrorLog;
import io.underpass.protocol.HelperClient;
import java.io.IOException;
import java.time.Duration;

/**
 * The promise that a member of a port group gives with its registration: it asks the helper to
 * attach what datagrams need before it has a datagram socket. Kept by the weaver, which runs this
 * before the JVM makes its first one.
 */
public final class DatagramPromise implements Runnable {
  /** The helper may have to load programs. */
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  /** This JVM may have a datagram socket. Guarded by this. */
  private boolean due;

  /** Of the registration that there is; null for none. Guarded by this. */
  private HelperClient client;

  /** The group of the last registration; empty if it has none. Guarded by this. */
  private String group = "";

  /** Given to nobody yet. */
  public DatagramPromise() {}

  /**
   * Inside of the loading of a class: whatever goes wrong, the socket is made. As with the
   * registration, the wait is bounded.
   */
  @Override
  public void run() {
    try {
      String trouble = keep();
      if (trouble != null) {
        Console.say(trouble);
      }
    } catch (Throwable e) {
      ErrorLog.AGENT.add(e);
    }
  }

  /**
   * Returns a line to say if it could not be kept; the datagrams are translated as soon as this JVM
   * has registered again.
   */
  private synchronized String keep() {
    due = true;
    if (group.isEmpty()) {
      return null; // the next registration says it
    }
    String why = "the helper has gone";
    if (client != null) {
      try {
        client.timeout(PATIENCE);
        client.datagrams();
        client.timeout(HelperSession.LATER);
        return null;
      } catch (IOException e) {
        client.close();
        why = e.getMessage();
      }
    }
    return "datagrams of group "
        + group
        + " may miss its ports until the helper is back: "
        + why
        + "; start it: underpass helper";
  }

  /** There is a registration: it is told what is due, and asked from here on. */
  synchronized void registered(HelperClient registered, GroupState state) throws IOException {
    if (due && state.joined()) {
      registered.datagrams();
    }
    client = registered;
    group = state.joined() ? state.group() : "";
  }

  /** The helper has gone. */
  synchronized void gone() {
    client = null;
  }
}
