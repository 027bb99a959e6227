package io.underpass.agent.boot;

import io.underpass.agent.beans.Beans;
import io.underpass.agent.hooks.Hooks;
import io.underpass.agent.hooks.Sockopts;
import io.underpass.config.Settings;
import io.underpass.protocol.FlowView;
import io.underpass.protocol.GroupWish;
import io.underpass.protocol.HelperClient;
import io.underpass.protocol.PortView;
import io.underpass.protocol.Probe;
import io.underpass.protocol.Reply;
import io.underpass.protocol.Request;
import io.underpass.protocol.Totals;
import io.underpass.protocol.WireException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;

/**
 * This JVM's registration with the helper: made at the start, kept by a daemon thread, asked for
 * numbers by the beans. Called by {@link Boot}; next hop: {@link HelperClient}, and the helper at
 * its other end.
 *
 * <p>A helper that goes away does not end the acceleration: what it loaded stays pinned in the
 * kernel. So the hooks stay active from the first registration on. One that stops in good order
 * takes it along; what it leaves changed at sockets, their own JVM sets right.
 */
public final class Registration implements Runnable {
  /** For a helper's answer: what a start may lose to one that hangs. */
  private static final Duration AT_START = Duration.ofMillis(250);

  /**
   * The same with a port group: without it, the application would bind the wrong ports, and the
   * first member of any group has the helper load programs.
   */
  private static final Duration AT_START_WITH_GROUP = Duration.ofSeconds(5);

  /**
   * For connecting, which does not wait for the helper: the kernel does it. But the look at whose
   * it is may wait for a name service.
   */
  private static final Duration CONNECT = Duration.ofSeconds(2);

  /** For everything later, when nobody but a JMX client waits. */
  private static final Duration LATER = Duration.ofSeconds(2);

  private static final long FIRST_PAUSE_MILLIS = 1_000;
  private static final long LAST_PAUSE_MILLIS = 30_000;

  /**
   * Where the helper's programs answer: by agreement of one release, not by the helper's word. At
   * another level the same questions are other options of the kernel's, which change the socket.
   */
  private static final String OWN_LEVEL = Integer.toString(Sockopts.LEVEL);

  /**
   * A JMX client that reads attribute by attribute costs the helper one request, and sees numbers
   * of one moment.
   */
  private static final long FRESH_NANOS = 200_000_000;

  private final Path socket;
  private final String enabled;
  private final boolean spin;
  private final boolean pace;
  private final boolean joinNow;

  /** Null for no port group. */
  private final GroupWish wish;

  /** Without the group there is no registration. */
  private final boolean required;

  private boolean beansNow;

  /** This JVM may have a datagram socket. Guarded by this. */
  private boolean datagrams;

  private volatile HelperClient client;
  private volatile Standing standing = Standing.plain(new Trouble("the agent is starting", ""));
  private volatile GroupStanding groupStanding;

  /** Guarded by this. */
  private Totals totals = Totals.ZERO;

  /** When {@link #totals} was asked; guarded by this. */
  private long totalsAt = System.nanoTime() - FRESH_NANOS;

  /** Guarded by this. */
  private List<FlowView> flows = List.of();

  /** Guarded by this. */
  private List<PortView> ports = List.of();

  /** When {@link #flows} was asked; guarded by this. */
  private long flowsAt = System.nanoTime() - FRESH_NANOS;

  Registration(Settings settings) {
    this.socket = settings.socket();
    this.spin = settings.spin();
    this.pace = settings.pace();
    this.joinNow = settings.joinNow();
    this.enabled = settings.enabled().name().toLowerCase(Locale.ROOT);
    this.wish = settings.wish();
    this.required = settings.required();
    this.groupStanding = GroupStanding.waiting(wish);
  }

  /** Tries once; returns what stood in the way, or null. */
  Trouble attempt() {
    Trouble trouble = register(wish == null ? AT_START : AT_START_WITH_GROUP);
    if (trouble != null) {
      standing = Standing.plain(trouble);
    }
    return trouble;
  }

  /**
   * Starts the thread that keeps the registration, and publishes the beans first if it is told to.
   */
  void keep(boolean publishBeans) {
    beansNow = publishBeans;
    Thread.ofPlatform()
        .name("underpass-registration")
        .daemon()
        .inheritInheritableThreadLocals(false)
        .start(this)
        .setContextClassLoader(null);
  }

  @Override
  public void run() {
    try {
      if (beansNow) {
        Beans.publishNow();
      }
      long pause = FIRST_PAUSE_MILLIS;
      while (true) {
        HelperClient current = client;
        if (current != null) {
          current.awaitEnd();
          client = null;
          standing = standing.gone(socket);
          pause = FIRST_PAUSE_MILLIS;
          Hooks.withoutHelper(); // at once: another one may come, and attach its hooks
        }
        Thread.sleep(pause);
        Hooks.withoutHelper(); // it may have waited for readers until now, without this connection
        Trouble trouble = register(LATER);
        if (trouble != null) {
          standing = standing.still(trouble);
          pause = Math.min(pause * 2, LAST_PAUSE_MILLIS);
        }
      }
    } catch (InterruptedException e) {
      // Nobody has reason to; whoever does wants the thread gone.
    } catch (Throwable e) {
      Hooks.suppressed(e);
    }
  }

  /** Where it stands now. */
  public Standing standing() {
    return standing;
  }

  /**
   * The helper's totals of this JVM, at most {@link #FRESH_NANOS} old; the last known if the helper
   * is gone.
   */
  public synchronized Totals totals() {
    HelperClient current = client;
    if (current != null && System.nanoTime() - totalsAt >= FRESH_NANOS) {
      try {
        totals = current.totals();
        totalsAt = System.nanoTime();
      } catch (IOException e) {
        // The last known numbers stay; the thread sees that the connection is over.
        current.close();
      }
    }
    return totals;
  }

  /** This JVM's flows, likewise; {@code limit} is the same at each call. */
  public synchronized List<FlowView> flows(int limit) {
    HelperClient current = client;
    if (current != null && System.nanoTime() - flowsAt >= FRESH_NANOS) {
      try {
        flows = current.flows(limit);
        flowsAt = System.nanoTime();
      } catch (IOException e) {
        // As above.
        current.close();
      }
    }
    return flows;
  }

  /** What became of the port group that this JVM asks for. */
  public GroupStanding groupStanding() {
    return groupStanding;
  }

  /** The bound ports of this JVM's group, as they are now. */
  public synchronized List<PortView> ports() {
    HelperClient current = client;
    if (current != null && groupStanding.joined()) {
      try {
        ports = current.ports(Request.ports(groupStanding.group()));
      } catch (IOException e) {
        // As above.
        current.close();
      }
    }
    return ports;
  }

  /**
   * A datagram socket is about to be made: the helper attaches what its datagrams need, if this JVM
   * is in a group. As with the registration, the wait is bounded.
   *
   * @return a line to say if it could not; the datagrams are translated as soon as this JVM has
   *     registered again
   */
  synchronized String datagrams() {
    datagrams = true;
    HelperClient current = client;
    if (!groupStanding.joined()) {
      return null; // the next registration says it
    }
    String why = "the helper has gone";
    if (current != null) {
      try {
        current.timeout(AT_START_WITH_GROUP);
        current.datagrams();
        current.timeout(LATER);
        return null;
      } catch (IOException e) {
        current.close();
        why = e.getMessage();
      }
    }
    return "datagrams of group "
        + groupStanding.group()
        + " may miss its ports until the helper is back: "
        + why
        + "; start it: bin/underpass helper";
  }

  /** Connections were refused that this JVM made, or has: the helper looks at it again. */
  private void claim() {
    HelperClient current = client;
    if (current == null) {
      return; // the next registration looks
    }
    Hooks.registering(true);
    try {
      current.claim();
      Hooks.claimed();
    } catch (IOException e) {
      // The thread sees that the connection is over, and registers again.
      current.close();
    } finally {
      Hooks.registering(false);
    }
  }

  /** From here on it is the client that is asked. */
  private synchronized void use(HelperClient registered) throws IOException {
    if (datagrams && groupStanding.joined()) {
      registered.datagrams();
    }
    client = registered;
  }

  private Trouble register(Duration patience) {
    Trouble trouble = Trouble.ofSocket(socket);
    if (trouble != null) {
      return trouble;
    }
    HelperClient attempt = null;
    Hooks.registering(true);
    try {
      attempt = connect();
      Sockopts options = Sockopts.open();
      Hooks.prepare(options); // what is accelerated before the reply is here is repaired too
      Reply reply;
      GroupStanding group;
      try {
        reply = register(attempt, patience);
        group = GroupStanding.of(wish, reply);
      } catch (WireException e) {
        if (wish == null || required) {
          throw e;
        }
        // If it is the group that was refused, the JVM can still be accelerated.
        attempt.close();
        attempt = connect();
        attempt.timeout(AT_START);
        reply = attempt.register(enabled);
        group = GroupStanding.refused(wish, e);
      }
      String level = reply.fields().getOrDefault("level", OWN_LEVEL);
      if (!level.equals(OWN_LEVEL)) {
        attempt.close();
        return Trouble.ofLevel(socket, level, OWN_LEVEL);
      }
      Standing registered =
          Standing.registered(
              reply.text("helper"), reply.number("id"), Probe.fromWire(reply.fields()));
      attempt.timeout(LATER);
      Hooks.activate(options, spin, pace, joinNow, this::claim);
      standing = registered;
      groupStanding = group;
      use(attempt);
      return null;
    } catch (IOException e) {
      if (attempt != null) {
        attempt.close();
      }
      return Trouble.ofFailure(socket, e);
    } catch (ReflectiveOperationException | RuntimeException e) {
      if (attempt != null) {
        attempt.close();
      }
      return new Trouble(
          "this JDK's socket classes are not as expected (" + e + ")",
          "run a JDK that this release of the agent supports");
    } finally {
      Hooks.registering(false);
    }
  }

  /** To a helper of somebody who is trusted. */
  private HelperClient connect() throws IOException {
    // Without links, so that what is looked at is what leads there.
    Path real = socket.toRealPath();
    return HelperClient.connect(real, CONNECT, new HelperOwner(real));
  }

  private Reply register(HelperClient to, Duration patience) throws IOException {
    to.timeout(patience);
    return wish == null ? to.register(enabled) : to.registerWithoutDatagrams(enabled, wish);
  }
}
