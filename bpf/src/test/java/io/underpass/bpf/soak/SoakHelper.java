package io.underpass.bpf.soak;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.underpass.helper.TunedHelper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** A helper of a soak: in this JVM, or one of its own. */
interface SoakHelper extends AutoCloseable {
  void sweep() throws IOException;

  /** SIGKILL, and another helper in its place. */
  void killAndRestart() throws IOException;

  @Override
  void close() throws IOException;

  /** In this JVM; it cannot be killed. */
  static SoakHelper embedded(Path socket, Path pins, Regime regime) throws IOException {
    TunedHelper helper = new TunedHelper(socket, pins, regime.tuning());
    return new SoakHelper() {
      @Override
      public void sweep() {
        helper.sweep();
      }

      @Override
      public void killAndRestart() {
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

  /** Speaks with {@link Main} in lines: "sweep", answered by "ok". Used by one event at a time. */
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
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-XX:+UseSerialGC",
                  "-XX:TieredStopAtLevel=1",
                  "--enable-native-access=ALL-UNNAMED",
                  "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
                  "-cp",
                  System.getProperty("java.class.path"),
                  Main.class.getName(),
                  socket.toString(),
                  pins.toString(),
                  regime.name())
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
      process.getOutputStream().write("sweep\n".getBytes(UTF_8));
      process.getOutputStream().flush();
      expectOk();
    }

    @Override
    public void killAndRestart() throws IOException {
      process.destroyForcibly();
      awaitEnd();
      start();
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
              new TunedHelper(Path.of(arguments[0]), Path.of(arguments[1]), regime.tuning());
          BufferedReader in = new BufferedReader(new InputStreamReader(System.in, UTF_8))) {
        System.out.println("ok");
        while (in.readLine() != null) {
          helper.sweep();
          System.out.println("ok");
        }
      }
    }
  }
}
