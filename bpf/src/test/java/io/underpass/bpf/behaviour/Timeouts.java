package io.underpass.bpf.behaviour;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Prints how long reads with a timeout take that nothing comes for. */
public final class Timeouts {
  public static final int TIMEOUT_MILLIS = 40;

  private static final int ROUNDS = 20;

  private Timeouts() {}

  /**
   * Prints a line for each API that has such reads: its name, and the nanoseconds of each.
   *
   * @param args an address of this host
   */
  public static void main(String[] args) throws Exception {
    InetAddress address = InetAddress.getByName(args[0]);
    Steering steering =
        new Steering(
            new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII)),
            System.out);
    steering.ask(Steering.START);
    for (Api api : List.of(Api.SOCKET, Api.CHANNEL, Api.SELECTOR)) {
      Scene scene = new Scene(api, address, steering, api.name(), 0, false);
      List<String> nanos = new ArrayList<>();
      try (Pair pair = scene.pair()) {
        for (int i = 0; i < ROUNDS; i++) {
          // What looks for bytes before it sleeps does so where that paid lately.
          pair.exchange();
          long start = System.nanoTime();
          if (expires(pair.client())) {
            nanos.add(Long.toString(System.nanoTime() - start));
          }
        }
        scene.check(pair);
      }
      steering.say(api + " " + String.join(" ", nanos));
      steering.ask(Steering.OVER + " " + api);
    }
    steering.ask(Steering.END);
  }

  private static boolean expires(End end) throws Exception {
    if (end instanceof SelectorEnd selecting) {
      return SelectorEnd.ready(selecting.reader, TIMEOUT_MILLIS) == 0;
    }
    return Scene.outcome(() -> end.read(ByteBuffer.allocate(5), TIMEOUT_MILLIS))
        .startsWith("SocketTimeoutException");
  }
}
