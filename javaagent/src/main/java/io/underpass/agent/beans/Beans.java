package io.underpass.agent.beans;

import io.underpass.agent.boot.Registration;
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
public final class Beans implements Consumer<Object> {
  private final AtomicBoolean done = new AtomicBoolean();
  private final Registration registration;
  private final int limit;

  /** For those numbers, and a table of so many rows. */
  public Beans(Registration registration, int limit) {
    this.registration = registration;
    this.limit = limit;
  }

  /** Asks for the server itself; for a JVM in which somebody else did so before the agent came. */
  public static void publishNow() {
    Platform.ask();
  }

  @Override
  public void accept(Object server) {
    if (server != null && done.compareAndSet(false, true)) {
      Platform.register(
          server,
          new Accelerator(registration),
          new Flows(registration, limit),
          new Ports(registration));
    }
  }
}
