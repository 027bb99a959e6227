/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.behaviour;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintStream;

/**
 * The program's line to the test that runs it. What the program sees goes out as it is; a line that
 * starts with {@link #MARK} is a request, which the test answers with one line when it is done:
 * {@link #OK}, or what is wrong.
 *
 * <p>What a request does depends on the mode, which the program does not know: over plain TCP, and
 * without the test, nothing.
 */
public final class Steering {
  public static final String MARK = "@ ";
  public static final String OK = "ok";

  /** What to {@link #WARM} and {@link #CHECK} says: not yet so, send some more. */
  public static final String MORE = "more";

  /** {@code start}: before anything else. */
  public static final String START = "start";

  /** {@code pair <port> <port>}: the connection is new; nothing is unread. */
  public static final String PAIR = "pair";

  /** {@code unaccepted <port> <port>}: the connection is there, but nobody has accepted it. */
  public static final String UNACCEPTED = "unaccepted";

  /** {@code warm <port> <port>}: bytes have gone each way, and were read. */
  public static final String WARM = "warm";

  /** {@code settled <port> <port>}: the moment to change the mode; nothing is unread. */
  public static final String SETTLED = "settled";

  /** {@code pending <port> <port>}: the same, with bytes unread. */
  public static final String PENDING = "pending";

  /** {@code half <port> <port>}: the same; one direction is closed, and nothing is unread. */
  public static final String HALF_CLOSED = "half";

  /** {@code idle}: the moment to change the mode; there is no connection. */
  public static final String IDLE = "idle";

  /** {@code check <port> <port>}: bytes have gone each way since the moment; is it so? */
  public static final String CHECK = "check";

  /**
   * {@code redirected <port> <port> <count>}: has the end at the first port redirected so many
   * bytes since it was known to redirect? Yes, where that is not known.
   */
  public static final String REDIRECTED = "redirected";

  /**
   * {@code queued <port> <port> <count>}: are so many bytes unread at the first port, all of them
   * redirected? Yes, where it is not known that they must be.
   */
  public static final String QUEUED = "queued";

  /** {@code some <port> <port> <count>}: the same, of at least one byte. */
  public static final String QUEUED_SOME = "some";

  /**
   * {@code pinned <port> <port> 0}: is the connection plain because the end at the first port has
   * sent urgent data, with no byte redirected since this was asked first? Yes, where it was not
   * known to redirect.
   */
  public static final String PINNED = "pinned";

  /** {@code alone <port> <port>}: a connection that is never accelerated. */
  public static final String ALONE = "alone";

  /** {@code hold}: what is sent over loopback is to be lost from now on. */
  public static final String HOLD = "hold";

  /** {@code release}: no more of it. */
  public static final String RELEASE = "release";

  /** {@code over <name>}: the behaviour has ended; its connections are closed. */
  public static final String OVER = "over";

  /** {@code end}: after everything else. */
  public static final String END = "end";

  private final BufferedReader in;
  private final PrintStream out;

  Steering(BufferedReader in, PrintStream out) {
    this.in = in;
    this.out = out;
  }

  void say(String line) {
    out.println(line);
    out.flush();
  }

  /** False if the answer is {@link #MORE}. */
  boolean ask(String what, Pair pair) throws IOException {
    return ask(what, pair.client().local().getPort(), pair.server().local().getPort());
  }

  boolean ask(String what, int client, int server) throws IOException {
    return ask(what + " " + client + " " + server);
  }

  synchronized boolean ask(String request) throws IOException {
    say(MARK + request);
    String answer = in.readLine();
    if (!OK.equals(answer) && !MORE.equals(answer)) {
      throw new AssertionError(request + ": " + answer);
    }
    return OK.equals(answer);
  }
}
