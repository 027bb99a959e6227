package io.underpass.bpf.soak;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.underpass.helper.Helper;
import io.underpass.helper.HelperConfig;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The helper of a soak, which enrols every pair that it finds: in this JVM, or one of its own. */
interface SoakHelper extends AutoCloseable {
  void sweep() throws IOException;

  /** SIGKILL, and another helper in its place. */
  void killAndRestart() throws IOException;

  @Override
  void close() throws IOException;

  /** In this JVM; it cannot be killed. */
  static SoakHelper embedded(Path socket, Path pins) throws IOException {
    Helper helper = startWithoutAudit(socket, pins);
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
  static SoakHelper process(Path socket, Path pins) throws IOException {
    return new OfProcess(socket, pins);
  }

  /** The audit would have a line for each of a million registrations; trouble is still told. */
  private static Helper startWithoutAudit(Path socket, Path pins) throws IOException {
    HelperConfig config =
        HelperConfig.defaults().withSocket(socket).withBpffs(pins).withTakeEvery(true);
    PrintStream all = System.err;
    System.setErr(new PrintStream(OutputStream.nullOutputStream(), false, UTF_8));
    try {
      return Helper.start(config); // its audit keeps the stream that it finds here
    } finally {
      System.setErr(all);
    }
  }

  /** Speaks with {@link Main} in lines: "sweep", answered by "ok". Used by one event at a time. */
  final class OfProcess implements SoakHelper {
    private final Path socket;
    private final Path pins;
    private Process process;
    private BufferedReader out;

    private OfProcess(Path socket, Path pins) throws IOException {
      this.socket = socket;
      this.pins = pins;
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
                  pins.toString())
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
      List<String> paths = List.of(arguments);
      try (Helper helper = startWithoutAudit(Path.of(paths.get(0)), Path.of(paths.get(1)));
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
