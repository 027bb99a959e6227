/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.behaviour;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/** Runs all behaviours with one API over one family, and prints what it sees. */
public final class Program {
  /** Those behaviours that need a network namespace of their own. */
  public static final String APART = "apart";

  /** One behaviour. */
  @FunctionalInterface
  interface Behaviour {
    void run(Scene scene) throws Exception;
  }

  private Program() {}

  /**
   * Runs them.
   *
   * @param args an {@link Api}, an address of this host, {@code once}, {@code moments} (each
   *     behaviour once for each of its moments) or {@code ever} (the same, and the later moments
   *     are moments too), and optionally the start of the names of those that are to run; {@code
   *     apart} stands for those that need a network namespace of their own
   */
  public static void main(String[] args) throws Exception {
    Api api = Api.valueOf(args[0]);
    InetAddress address = InetAddress.getByName(args[1]);
    boolean moments = !args[2].equals("once");
    boolean ever = args[2].equals("ever");
    String only = args.length > 3 ? args[3] : "";
    Steering steering =
        new Steering(
            new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII)),
            System.out);
    steering.ask(Steering.START);
    for (Map.Entry<String, Behaviour> entry : all(api, only).entrySet()) {
      if (!only.equals(APART) && !entry.getKey().startsWith(only)) {
        continue;
      }
      int strike = 0;
      int count;
      do {
        Scene scene = new Scene(api, address, steering, entry.getKey(), strike, ever);
        // On a thread as the API has it: a virtual one too.
        new Task<>(api, () -> play(entry.getValue(), scene)).get();
        steering.ask(Steering.OVER + " " + entry.getKey());
        count = scene.moments();
      } while (moments && ++strike < count);
    }
    steering.ask(Steering.END);
  }

  private static Void play(Behaviour behaviour, Scene scene) throws Exception {
    behaviour.run(scene);
    return null;
  }

  private static Map<String, Behaviour> all(Api api, String only) {
    Map<String, Behaviour> all = new LinkedHashMap<>();
    if (only.equals(APART)) {
      Connects.addApartTo(all);
      return all;
    }
    Streams.addTo(all);
    Closes.addTo(all);
    Resets.addTo(all, api);
    Waits.addTo(all);
    Interruptions.addTo(all);
    Held.addTo(all, api);
    Cuts.addTo(all, api);
    Options.addTo(all);
    Connects.addTo(all);
    if (api != Api.SOCKET) {
      Vectors.addTo(all, api);
    }
    if (api == Api.SELECTOR) {
      Selections.addTo(all);
    }
    if (api != Api.ASYNC) {
      Peculiarities.addTo(all);
    }
    return all;
  }
}
