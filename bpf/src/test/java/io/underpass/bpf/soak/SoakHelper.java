/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.soak;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.underpass.accel.Tuning;
import io.underpass.helper.TunedHelper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** A helper of a soak: in this JVM, or one of its own. */
interface SoakHelper extends AutoCloseable {
  void sweep() throws IOException;

  /** Every flow goes back to TCP, as when the helper stops; or may be taken up again. */
  void pause(boolean paused) throws IOException;

  /**
   * SIGKILL, and another helper in its place.
   *
   * @return when the first one was dead, by {@link System#nanoTime}
   */
  long killAndRestart() throws IOException;

  @Override
  void close() throws IOException;

  /** In this JVM; it cannot be killed. */
  static SoakHelper embedded(Path socket, Path pins, Tuning tuning) throws IOException {
    TunedHelper helper = new TunedHelper(socket, pins, tuning);
    return new SoakHelper() {
      @Override
      public void sweep() {
        helper.sweep();
      }

      @Override
      public void pause(boolean paused) throws IOException {
        helper.pause(paused);
      }

      @Override
      public long killAndRestart() {
        throw new UnsupportedOperationException("an embedded helper dies with its JVM");
      }

      @Override
      public void close() {
        helper.close();
      }
    };
  }

  /** In a JVM of its own. */
  static SoakHelper process(Path socket, Path pins, Regime regime) throws IOException {
    return new OfProcess(socket, pins, regime);
  }

  /**
   * Speaks with {@link Main} in lines: "sweep", "pause", "resume", answered by "ok". Used by one
   * event at a time.
   */
  final class OfProcess implements SoakHelper {
    private final Path socket;
    private final Path pins;
    private final Regime regime;
    private Process process;
    private BufferedReader out;

    private OfProcess(Path socket, Path pins, Regime regime) throws IOException {
      this.socket = socket;
      this.pins = pins;
      this.regime = regime;
      start();
    }

    private void start() throws IOException {
      process =
          Jvm.of(Main.class, socket.toString(), pins.toString(), regime.name())
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      out = process.inputReader();
      expectOk();
    }

    private void expectOk() throws IOException {
      String line = out.readLine();
      if (!"ok".equals(line)) {
        throw new IOException("the helper says " + line);
      }
    }

    @Override
    public void sweep() throws IOException {
      say("sweep");
    }

    @Override
    public void pause(boolean paused) throws IOException {
      say(paused ? "pause" : "resume");
    }

    private void say(String line) throws IOException {
      process.getOutputStream().write((line + "\n").getBytes(UTF_8));
      process.getOutputStream().flush();
      expectOk();
    }

    @Override
    public long killAndRestart() throws IOException {
      process.destroyForcibly();
      awaitEnd();
      long dead = System.nanoTime();
      start();
      return dead;
    }

    @Override
    public void close() throws IOException {
      process.getOutputStream().close();
      awaitEnd();
    }

    private void awaitEnd() throws IOException {
      try {
        if (!process.waitFor(30, TimeUnit.SECONDS)) {
          process.destroyForcibly();
          throw new IOException("the helper does not end");
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IOException(e);
      }
    }
  }

  /** The process: sweeps as it is told, and stops in good order when nobody tells any more. */
  final class Main {
    private Main() {}

    public static void main(String[] arguments) throws IOException {
      Regime regime = Regime.valueOf(arguments[2]);
      try (TunedHelper helper =
              new TunedHelper(Path.of(arguments[0]), Path.of(arguments[1]), regime.tuning(0));
          BufferedReader in = new BufferedReader(new InputStreamReader(System.in, UTF_8))) {
        System.out.println("ok");
        String line;
        while ((line = in.readLine()) != null) {
          switch (line) {
            case "pause" -> helper.pause(true);
            case "resume" -> helper.pause(false);
            default -> helper.sweep();
          }
          System.out.println("ok");
        }
      }
    }
  }
}
