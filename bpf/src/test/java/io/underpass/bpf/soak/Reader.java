package io.underpass.bpf.soak;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.function.Consumer;

/** A thread that reads one end until nothing more comes, and sits in the kernel meanwhile. */
final class Reader implements Runnable {
  private static final int SIZE = 1 << 16;

  private final End end;

  /** Null where the channel itself is read. */
  private final InputStream timed;

  private final Consumer<Throwable> trouble;

  Reader(End end, boolean timed, Consumer<Throwable> trouble) throws IOException {
    this.end = end;
    this.timed = timed ? end.channel.socket().getInputStream() : null;
    this.trouble = trouble;
  }

  @Override
  public void run() {
    try {
      if (timed != null) {
        readStream();
      } else {
        ByteBuffer buffer = ByteBuffer.allocate(SIZE);
        boolean more = true;
        while (more) {
          more = end.read(buffer, SIZE, 1);
        }
      }
    } catch (IOException | RuntimeException | Mismatch e) {
      trouble.accept(e);
    }
  }

  /** A time-out makes it poll before each read. */
  private void readStream() throws IOException {
    byte[] block = new byte[SIZE];
    ByteBuffer buffer = ByteBuffer.wrap(block);
    boolean more = true;
    while (more && !end.isClosed()) {
      try {
        int size = timed.read(block);
        more = size < 0 ? end.atEnd() : end.received(buffer.clear(), size);
      } catch (IOException e) {
        more = end.failed(e);
      }
    }
  }
}
