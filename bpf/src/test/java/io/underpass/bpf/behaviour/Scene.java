/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.behaviour;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;

/**
 * One run of one behaviour: opens its connections, prints what it sees, and knows at which of its
 * moments the mode is to change.
 */
final class Scene {
  final Api api;
  final InetAddress address;
  private final Steering steering;
  private final String name;

  /** The moment at which the mode changes in this run; moments are counted from 0. */
  private final int strike;

  /** Whether it changes again at those that follow. */
  private final boolean ever;

  private int moments;

  Scene(Api api, InetAddress address, Steering steering, String name, int strike, boolean ever) {
    this.api = api;
    this.address = address;
    this.steering = steering;
    this.name = name;
    this.strike = strike;
    this.ever = ever;
  }

  /** How many moments the behaviour had. */
  int moments() {
    return moments;
  }

  /** Prints an observation. */
  void say(String what, Object seen) {
    steering.say(name + " #" + strike + ": " + what + ": " + seen);
  }

  /** Prints what came of a step: its result, or the exception. */
  void tell(String what, Callable<?> step) {
    say(what, outcome(step));
  }

  static String outcome(Callable<?> step) {
    try {
      return String.valueOf(step.call());
    } catch (ExecutionException e) {
      return describe(e.getCause());
    } catch (Exception e) {
      return describe(e);
    }
  }

  private static String describe(Throwable e) {
    return e.getClass().getSimpleName() + " " + e.getMessage();
  }

  Api.Listener listen(int backlog) throws Exception {
    return api.listen(new InetSocketAddress(address, 0), backlog);
  }

  End connect(InetSocketAddress to) throws Exception {
    return api.connect(null, to, 10_000);
  }

  /** A connection that is warm: bytes have gone each way. */
  Pair pair() throws Exception {
    Pair pair;
    try (Api.Listener listener = listen(5)) {
      End client = connect(listener.address());
      pair = new Pair(client, listener.accept());
    }
    // What is available, and when, then depends on no timer.
    pair.client().set(StandardSocketOptions.TCP_NODELAY, true);
    pair.server().set(StandardSocketOptions.TCP_NODELAY, true);
    isNew(pair);
    exchangeUntil(Steering.WARM, pair);
    return pair;
  }

  /** A connection with nothing unread. */
  void isNew(Pair pair) throws Exception {
    steering.ask(Steering.PAIR, pair);
  }

  /** A connection that waits in the listener's backlog. */
  void isUnaccepted(End client) throws Exception {
    steering.ask(Steering.UNACCEPTED, client.local().getPort(), client.remote().getPort());
  }

  private void exchangeUntil(String request, Pair pair) throws Exception {
    do {
      pair.exchange();
    } while (!steering.ask(request, pair));
  }

  /**
   * The moment: nobody is in a call, and nothing is unread. Where the connection is accelerated
   * now, bytes have been redirected each way when this returns.
   */
  void moment(Pair pair) throws Exception {
    if (moment(Steering.SETTLED, pair)) {
      exchangeUntil(Steering.CHECK, pair);
    } else {
      pair.exchange();
    }
  }

  /** The moment, before there is a connection. */
  void momentBeforeConnection() throws Exception {
    if (isNow()) {
      steering.ask(Steering.IDLE);
    }
  }

  /** The moment, while a thread is in a call; nothing is unread, or it is being read. */
  void momentAmidCalls(Pair pair) throws Exception {
    moment(Steering.SETTLED, pair);
  }

  /** The moment, while bytes are unread and will stay so. */
  void momentWithUnread(Pair pair) throws Exception {
    moment(Steering.PENDING, pair);
  }

  /** The moment, when one direction is closed already; nothing is unread. */
  void momentHalfClosed(Pair pair) throws Exception {
    moment(Steering.HALF_CLOSED, pair);
  }

  private boolean moment(String kind, Pair pair) throws Exception {
    if (!isNow()) {
      return false;
    }
    steering.ask(kind, pair);
    return true;
  }

  /** Counts the moments. */
  private boolean isNow() {
    int moment = moments++;
    return moment == strike || (ever && moment > strike);
  }

  /** The connection is open, with nothing unread: is it in the mode that it should be in? */
  void check(Pair pair) throws Exception {
    exchangeUntil(Steering.CHECK, pair);
  }

  /**
   * This end has redirected at least so many bytes since the warm-up, or since the moment; where
   * its mode says so.
   */
  void redirected(End from, long least) throws Exception {
    ask(Steering.REDIRECTED, from, least);
  }

  /** So many bytes are unread at this end; they were redirected, where its mode says so. */
  void queued(End at, long count) throws Exception {
    ask(Steering.QUEUED, at, count);
  }

  /** The same; how many they are depends on the buffers. */
  void queuedSome(End at) throws Exception {
    ask(Steering.QUEUED_SOME, at, 1);
  }

  /**
   * Urgent data was sent by this end, and read: both are off for it where they were accelerated,
   * and nothing more is redirected.
   */
  void pinned(End sender, Pair pair) throws Exception {
    ask(Steering.PINNED, sender, 0);
    pair.exchange();
    ask(Steering.PINNED, sender, 0);
  }

  private void ask(String what, End end, long count) throws Exception {
    steering.ask(what + " " + end.local().getPort() + " " + end.remote().getPort() + " " + count);
  }

  /** From now on, or no longer, what is sent over loopback is lost. */
  void loses(boolean everything) throws Exception {
    steering.ask(everything ? Steering.HOLD : Steering.RELEASE);
  }

  /** This connection is none that can be accelerated. */
  void checkAlone(Pair pair) throws Exception {
    steering.ask(Steering.ALONE, pair);
  }

  <T> Task<T> start(Callable<T> action) {
    return new Task<>(api, action);
  }
}
