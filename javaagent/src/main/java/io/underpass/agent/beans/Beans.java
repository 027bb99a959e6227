/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.beans;

import io.underpass.agent.hooks.Acceleration;
import io.underpass.agent.session.HelperNumbers;
import io.underpass.agent.session.HelperSession;
import io.underpass.agent.weave.Weaver;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/**
 * Publishes the three beans on the platform MBean server, at the moment somebody first asks for
 * that server.
 *
 * <p>To make the server costs 50 to 100 ms, which a JVM that nobody looks at does not pay; and
 * whoever does look gets the server with the beans in it already. This class names no class of
 * {@code java.management}, which a JVM may lack; {@link Platform} does.
 */
public final class Beans implements Consumer<Object>, Runnable {
  private final AtomicBoolean done = new AtomicBoolean();
  private final HelperSession session;
  private final HelperNumbers numbers;
  private final Acceleration acceleration;
  private final Weaver weaver;
  private final int limit;

  /**
   * For what these tell.
   *
   * @param limit how many rows the table of flows has at most
   */
  public Beans(
      HelperSession session,
      HelperNumbers numbers,
      Acceleration acceleration,
      Weaver weaver,
      int limit) {
    this.session = session;
    this.numbers = numbers;
    this.acceleration = acceleration;
    this.weaver = weaver;
    this.limit = limit;
  }

  /** Asks for the server itself; for a JVM in which somebody else did so before the agent came. */
  @Override
  public void run() {
    Platform.ask();
  }

  @Override
  public void accept(Object server) {
    if (server != null && done.compareAndSet(false, true)) {
      Platform.register(
          server,
          new Accelerator(session, numbers, acceleration, weaver),
          new Flows(numbers, acceleration, limit),
          new Ports(session, numbers));
    }
  }
}
