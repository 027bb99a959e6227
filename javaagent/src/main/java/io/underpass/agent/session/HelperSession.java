/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.agent.session;

import io.underpass.agent.hooks.Acceleration;
import io.underpass.agent.hooks.Sockopts;
import io.underpass.agent.jdk.JavaBase;
import io.underpass.agent.jdk.Threads;
import io.underpass.agent.report.ErrorLog;
import io.underpass.agent.weave.Weaver;
import io.underpass.config.Settings;
import io.underpass.protocol.GroupWish;
import io.underpass.protocol.HelperClient;
import io.underpass.protocol.Probe;
import io.underpass.protocol.Reply;
import io.underpass.protocol.WireException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;

/**
 * This JVM's session with the helper: registered at the start, and kept by a daemon thread. Called
 * by {@code Boot}; next hop: {@link HelperClient}, and the helper at its other end.
 *
 * <p>A helper that goes away does not end the acceleration: what it loaded stays pinned in the
 * kernel. So the hooks stay active from the first registration on. One that stops in good order
 * takes it along; what it leaves changed at sockets, their own JVM sets right.
 */
public final class HelperSession implements Runnable {
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
  static final Duration LATER = Duration.ofSeconds(2);

  private static final long FIRST_PAUSE_MILLIS = 1_000;
  private static final long LAST_PAUSE_MILLIS = 30_000;

  /**
   * Where the helper's programs answer: by agreement of one release, not by the helper's word. At
   * another level the same questions are other options of the kernel's, which change the socket.
   */
  private static final String OWN_LEVEL = Integer.toString(Sockopts.LEVEL);

  private final Path socket;
  private final String enabled;

  /** Null for no port group. */
  private final GroupWish wish;

  /** Without the group there is no registration. */
  private final boolean required;

  private final Acceleration acceleration;
  private final Weaver weaver;
  private final DatagramPromise promise;

  /** What the thread does first; null for nothing. Set before the thread starts. */
  private Runnable first;

  /** Null while there is no registration. */
  private volatile HelperClient client;

  private volatile SessionState state =
      SessionState.plain(new Trouble("the agent is starting", ""));
  private volatile GroupState group;

  /** Not registered yet. */
  public HelperSession(
      Settings settings, Acceleration acceleration, Weaver weaver, DatagramPromise promise) {
    this.socket = settings.socket();
    this.enabled = settings.enabled().name().toLowerCase(Locale.ROOT);
    this.wish = settings.wish();
    this.required = settings.required();
    this.group = GroupState.waiting(wish);
    this.acceleration = acceleration;
    this.weaver = weaver;
    this.promise = promise;
  }

  /** Tries once; returns what stood in the way, or null. */
  public Trouble attempt() {
    Trouble trouble = register(wish == null ? AT_START : AT_START_WITH_GROUP);
    if (trouble != null) {
      state = SessionState.plain(trouble);
    }
    return trouble;
  }

  /**
   * Starts the thread that keeps the registration.
   *
   * @param before what it does first; null for nothing
   */
  public void keep(Runnable before) {
    first = before;
    Threads.daemon("underpass-registration", this).start();
  }

  @Override
  public void run() {
    try {
      if (first != null) {
        first.run();
      }
      long pause = FIRST_PAUSE_MILLIS;
      while (true) {
        HelperClient current = client;
        if (current != null) {
          current.awaitEnd();
          client = null;
          promise.gone();
          state = state.gone(socket);
          pause = FIRST_PAUSE_MILLIS;
          acceleration.withoutHelper(); // at once: another one may come, and attach its hooks
        }
        Thread.sleep(pause);
        // A helper may have waited for readers until now, without this connection.
        acceleration.withoutHelper();
        Trouble trouble = register(LATER);
        if (trouble != null) {
          state = state.still(trouble);
          pause = Math.min(pause * 2, LAST_PAUSE_MILLIS);
        }
      }
    } catch (InterruptedException e) {
      // Nobody has reason to; whoever does wants the thread gone.
    } catch (Throwable e) {
      ErrorLog.AGENT.add(e);
    }
  }

  /** How far it has come. */
  public SessionState state() {
    return state;
  }

  /** What became of the port group that this JVM asks for. */
  public GroupState group() {
    return group;
  }

  /** Null while there is no registration. */
  HelperClient client() {
    return client;
  }

  private Trouble register(Duration patience) {
    Trouble trouble = Trouble.ofSocket(socket);
    if (trouble != null) {
      return trouble;
    }
    Trouble unfit = unfit();
    try {
      if (unfit == null) {
        try (Acceleration.Attempt attempt = acceleration.attempt()) {
          return register(attempt, patience);
        }
      }
      if (wish != null) {
        registerForPorts(patience);
      }
      return unfit;
    } catch (IOException e) {
      return unfit == null ? Trouble.ofFailure(socket, e) : unfit;
    } catch (ReflectiveOperationException | RuntimeException e) {
      return Trouble.ofRepair(e.toString());
    }
  }

  /** Registers a JVM that must not be accelerated, for its port group alone. */
  private void registerForPorts(Duration patience) throws IOException {
    HelperClient asked = connect(patience);
    try {
      GroupState granted = GroupState.of(wish, asked.registerForPorts(wish));
      asked.timeout(LATER);
      group = granted;
      promise.registered(asked, granted);
      client = asked;
    } catch (WireException e) {
      asked.close();
      group = GroupState.refused(wish, e);
    } catch (IOException | RuntimeException | Error e) {
      asked.close();
      throw e;
    }
  }

  /** Why sockets of this JVM must not be accelerated; null if they may. */
  private Trouble unfit() {
    String option = JavaBase.optionForOldSockets();
    if (option != null) {
      return Trouble.ofOldSockets(option);
    }
    String missing = weaver.missingRepair();
    return missing == null ? null : Trouble.ofRepair(missing);
  }

  private Trouble register(Acceleration.Attempt attempt, Duration patience) throws IOException {
    HelperClient asked = connect(patience);
    try {
      Reply reply;
      GroupState granted;
      try {
        reply =
            wish == null ? asked.register(enabled) : asked.registerWithoutDatagrams(enabled, wish);
        granted = GroupState.of(wish, reply);
      } catch (WireException e) {
        if (wish == null || required) {
          throw e;
        }
        // If it is the group that was refused, the JVM can still be accelerated.
        asked.close();
        asked = connect(AT_START);
        reply = asked.register(enabled);
        granted = GroupState.refused(wish, e);
      }
      String level = reply.fields().getOrDefault("level", OWN_LEVEL);
      if (!level.equals(OWN_LEVEL)) {
        asked.close();
        return Trouble.ofLevel(socket, level, OWN_LEVEL);
      }
      SessionState registered =
          SessionState.registered(
              reply.text("helper"), reply.number("id"), Probe.fromWire(reply.fields()));
      asked.timeout(LATER);
      attempt.registered(new Claim());
      state = registered;
      group = granted;
      promise.registered(asked, granted);
      client = asked;
      return null;
    } catch (IOException | RuntimeException | Error e) {
      asked.close();
      throw e;
    }
  }

  /** Connects to a helper that is trusted; each request may wait so long. */
  private HelperClient connect(Duration patience) throws IOException {
    // Without links, so that what is looked at is what leads there.
    Path real = socket.toRealPath();
    HelperClient connected = HelperClient.connect(real, CONNECT, new HelperOwner(real));
    connected.timeout(patience);
    return connected;
  }

  /** Connections were refused that this JVM made, or has: the helper looks at it again. */
  private final class Claim implements Runnable {
    @Override
    public void run() {
      HelperClient current = client;
      if (current == null) {
        return; // the next registration looks
      }
      try (Acceleration.Attempt attempt = acceleration.attempt()) {
        current.claim();
        attempt.claimed();
      } catch (IOException e) {
        // The thread sees that the connection is over, and registers again.
        current.close();
      } catch (ReflectiveOperationException e) {
        ErrorLog.AGENT.add(e); // there was an attempt before
      }
    }
  }
}
