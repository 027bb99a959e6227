package io.underpass.agent.boot;

import io.underpass.agent.hooks.Hooks;

/**
 * Run before this JVM makes its first datagram socket, inside of the loading of its class: whatever
 * goes wrong, the socket is made. Called by the weaver; next hop: {@link Registration#datagrams}.
 */
final class DatagramsAhead implements Runnable {
  private final Registration registration;

  DatagramsAhead(Registration registration) {
    this.registration = registration;
  }

  @Override
  public void run() {
    try {
      String trouble = registration.datagrams();
      if (trouble != null) {
        Boot.say(trouble);
      }
    } catch (Throwable e) {
      Hooks.suppressed(e);
    }
  }
}
