/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.behaviour;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Prints how long reads with a timeout take that nothing comes for. */
public final class Timeouts {
  /** A change is to come in the middle of each wait. */
  public static final String OVER_CHANGE = "change";

  public static final int ROUNDS = 20;
  public static final int CHANGES = 5;

  private static final int TIMEOUT_MILLIS = 40;

  /** A change has to fit in. */
  private static final int LONG_TIMEOUT_MILLIS = 200;

  private final Api api;
  private final InetAddress address;
  private final Steering steering;

  private Timeouts(Api api, InetAddress address, Steering steering) {
    this.api = api;
    this.address = address;
    this.steering = steering;
  }

  /** The timeout of the reads, with a change in their middle or not. */
  public static int timeoutMillis(boolean overChange) {
    return overChange ? LONG_TIMEOUT_MILLIS : TIMEOUT_MILLIS;
  }

  /**
   * Prints a line for each API that has such reads: its name, and the nanoseconds of each.
   *
   * @param args an address of this host, and {@link #OVER_CHANGE} or nothing
   */
  public static void main(String[] args) throws Exception {
    InetAddress address = InetAddress.getByName(args[0]);
    boolean overChange = args.length > 1;
    Steering steering =
        new Steering(
            new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII)),
            System.out);
    steering.ask(Steering.START);
    for (Api api : List.of(Api.SOCKET, Api.CHANNEL, Api.SELECTOR, Api.VIRTUAL)) {
      Timeouts timeouts = new Timeouts(api, address, steering);
      List<String> nanos =
          overChange ? timeouts.overChanges() : new Task<>(api, timeouts::inARow).get();
      steering.say(api + " " + String.join(" ", nanos));
      steering.ask(Steering.OVER + " " + api);
    }
    steering.ask(Steering.END);
  }

  private Scene scene() {
    return new Scene(api, address, steering, api.name(), 0, false);
  }

  /** Of one connection. */
  private List<String> inARow() throws Exception {
    Scene scene = scene();
    List<String> nanos = new ArrayList<>();
    try (Pair pair = scene.pair()) {
      for (int i = 0; i < ROUNDS; i++) {
        // What looks for bytes before it sleeps does so where that paid lately.
        pair.exchange();
        long took = timed(pair.client(), TIMEOUT_MILLIS);
        if (took > 0) {
          nanos.add(Long.toString(took));
        }
      }
      scene.check(pair);
    }
    return nanos;
  }

  /** Each of its own connection, which changes once. */
  private List<String> overChanges() throws Exception {
    List<String> nanos = new ArrayList<>();
    for (int i = 0; i < CHANGES; i++) {
      Scene scene = scene();
      try (Pair pair = scene.pair()) {
        long start = System.nanoTime();
        Task<Long> reader = scene.start(() -> timed(pair.client(), LONG_TIMEOUT_MILLIS));
        reader.awaitBlocked();
        // A wait that began anew would show.
        long wait = start + TimeUnit.MILLISECONDS.toNanos(LONG_TIMEOUT_MILLIS / 4);
        LockSupport.parkNanos(wait - System.nanoTime());
        scene.momentAmidCalls(pair);
        boolean amid = !reader.isDone();
        long took = reader.get();
        if (amid && took > 0) {
          nanos.add(Long.toString(took));
        }
        scene.check(pair);
      }
      steering.ask(Steering.OVER + " " + api);
    }
    return nanos;
  }

  /** How long it waited, nanoseconds; 0 if it did not end as it should. */
  private static long timed(End end, int millis) throws Exception {
    long start = System.nanoTime();
    boolean expired =
        end instanceof SelectorEnd selecting
            ? SelectorEnd.ready(selecting.reader, millis) == 0
            : Scene.outcome(() -> end.read(ByteBuffer.allocate(5), millis))
                .startsWith("SocketTimeoutException");
    return expired ? System.nanoTime() - start : 0;
  }
}
