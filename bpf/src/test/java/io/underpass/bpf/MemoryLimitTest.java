package io.underpass.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.protocol.FlowView;
import io.underpass.testing.KernelTest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The receivers' memory cgroup is at its limit: where a redirect would make {@code send} fail with
 * ENOMEM, the sender is held, as by TCP, and every byte that was taken arrives.
 *
 * <p>On cgroup v1 the limit is {@code memory.kmem.tcp}, which is charged exactly; on v2 it is that
 * of all the cgroup's memory.
 */
@KernelTest
@Timeout(120)
class MemoryLimitTest {
  private static final int CONNECTIONS = 40;
  private static final long LIMIT = 3 << 20;

  private static final Path V1 = Path.of("/sys/fs/cgroup/memory");
  private final Path cgroup = V1.resolve("underpass-test-" + ProcessHandle.current().pid());

  @BeforeEach
  void makeCgroup() throws IOException {
    Files.createDirectory(cgroup);
    Files.writeString(cgroup.resolve("memory.kmem.tcp.limit_in_bytes"), Long.toString(LIMIT));
  }

  @AfterEach
  void removeCgroup() throws IOException {
    Files.delete(cgroup);
  }

  @Test
  void senderToACgroupAtItsLimitIsHeldAndLosesNothing() throws Exception {
    List<String> inside =
        List.of("sh", "-c", "echo $$ > " + cgroup.resolve("cgroup.procs") + "; exec \"$@\"", "sh");
    List<SocketChannel> channels = new ArrayList<>();
    try (Testbed bed = new Testbed(true);
        Sink sink = new Sink(inside, bed.helper.socket(), CONNECTIONS)) {
      for (int i = 0; i < CONNECTIONS; i++) {
        channels.add(sink.connect());
      }
      sink.exchange(channels, 3);
      for (SocketChannel channel : channels) {
        bed.await(channel, FlowView::accelerated);
      }
      sink.exchange(channels, 5);
      sink.stall(channels);
      assertEquals("stalled", sink.line());
      long redirected = bed.totals().bytesRedirected();

      long taken = fill(channels);
      assertTrue(bed.totals().bytesRedirected() > redirected + LIMIT / 8, "hardly any redirected");
      assertTrue(taken > LIMIT, taken + " bytes do not come near the limit");
      for (SocketChannel channel : channels) {
        channel.configureBlocking(true);
        channel.shutdownOutput();
      }
      assertEquals("right " + taken, sink.readAll());
      assertTrue(most() > LIMIT - (256 << 10), "the limit was never met");
    } finally {
      for (SocketChannel channel : channels) {
        channel.close();
      }
    }
  }

  private long most() throws IOException {
    Path file = cgroup.resolve("memory.kmem.tcp.max_usage_in_bytes");
    return Long.parseLong(Files.readString(file).strip());
  }

  /** Writes to each in turn until none takes a byte any more; an error of any write is thrown. */
  private static long fill(List<SocketChannel> channels) throws Exception {
    long[] positions = new long[channels.size()];
    byte[] block = new byte[2000];
    for (SocketChannel channel : channels) {
      channel.configureBlocking(false);
    }
    for (int refusals = 0; refusals < 10; ) {
      boolean any = false;
      for (int i = 0; i < positions.length; i++) {
        new Bytes(i).fill(block, block.length, positions[i]);
        int n = channels.get(i).write(ByteBuffer.wrap(block));
        positions[i] += n;
        any |= n > 0;
      }
      refusals = any ? 0 : refusals + 1;
      if (!any) {
        Thread.sleep(10);
      }
    }
    long sum = 0;
    for (long position : positions) {
      sum += position;
    }
    return sum;
  }
}
