package io.underpass.agent.jmx;

import io.underpass.agent.boot.Registration;
import io.underpass.agent.hooks.Hooks;
import java.lang.management.ManagementFactory;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import javax.management.InstanceAlreadyExistsException;
import javax.management.JMException;
import javax.management.MBeanServer;
import javax.management.ObjectName;

/**
 * Registers the two beans on the platform MBean server, at the moment somebody first asks for that
 * server.
 *
 * <p>To make the server costs 50 to 100 ms, which a JVM that nobody looks at does not pay; and
 * whoever does look gets the server with the beans in it already.
 */
public final class Beans {
  private Beans() {}

  /** Asks for the server, and so publishes; for a JVM in which somebody else has asked already. */
  public static void publishNow() {
    Hooks.platformServer(ManagementFactory.getPlatformMBeanServer());
  }

  /**
   * What is done with the server. It names no class of {@code java.management}, which a JVM may
   * lack.
   */
  public static final class Publisher implements Consumer<Object> {
    private final AtomicBoolean done = new AtomicBoolean();
    private final Registration registration;
    private final int limit;

    /** For those numbers, and a table of so many rows. */
    public Publisher(Registration registration, int limit) {
      this.registration = registration;
      this.limit = limit;
    }

    @Override
    public void accept(Object server) {
      if (done.compareAndSet(false, true)) {
        publish(server, registration, limit);
      }
    }
  }

  private static void publish(Object server, Registration registration, int limit) {
    try {
      MBeanServer beans = (MBeanServer) server;
      register(beans, "Accelerator", new Accelerator(registration));
      register(beans, "Flows", new Flows(registration, limit));
    } catch (JMException e) {
      Hooks.suppressed(e);
    }
  }

  private static void register(MBeanServer beans, String type, Object bean) throws JMException {
    try {
      beans.registerMBean(bean, new ObjectName("io.underpass:type=" + type));
    } catch (InstanceAlreadyExistsException e) {
      // The name is taken: the one that is there stays.
    }
  }
}
