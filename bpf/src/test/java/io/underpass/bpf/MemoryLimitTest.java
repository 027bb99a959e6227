package io.underpass.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.datapath.Tuning;
import io.underpass.helper.TunedHelper;
import io.underpass.protocol.FlowView;
import io.underpass.protocol.HelperClient;
import io.underpass.testing.KernelTest;
import io.underpass.testing.Pinning;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

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

  /** Bytes of a write: one that the verdict's margin leaves room for, and one beyond it. */
  private static final int SMALL = 2000;

  private static final int LARGE = 250_000;

  @TempDir Path folder;

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
    stallAndFill(Tuning.DEFAULT.withTakeEvery(true), SMALL);
  }

  /**
   * Without the look at the receiver's memory the kernel refuses in the middle of a message. What
   * is left of it goes by TCP, and so does what is written then.
   */
  @Test
  void aMessageOfWhichAPartWasRedirectedIsFollowedByOthers() throws Exception {
    int blind = Tuning.Fault.MEMORY.bit;
    stallAndFill(Tuning.DEFAULT.withTakeEvery(true).withKnob("fault", blind), LARGE);
  }

  private void stallAndFill(Tuning tuning, int size) throws Exception {
    List<String> inside =
        List.of("sh", "-c", "echo $$ > " + cgroup.resolve("cgroup.procs") + "; exec \"$@\"", "sh");
    Path socket = folder.resolve("helper.sock");
    List<SocketChannel> channels = new ArrayList<>();
    try (TunedHelper helper = new TunedHelper(socket, Pinning.newFolder(), tuning);
        HelperClient client = HelperClient.connect(socket, Testbed.PATIENCE);
        Sink sink = new Sink(inside, socket, CONNECTIONS)) {
      client.register("on").orThrow();
      for (int i = 0; i < CONNECTIONS; i++) {
        channels.add(sink.connect());
      }
      sink.exchange(channels, 3);
      for (SocketChannel channel : channels) {
        Testbed.await(client, helper::sweep, channel, FlowView::accelerated);
      }
      sink.exchange(channels, 5);
      sink.stall(channels);
      assertEquals("stalled", sink.line());
      long redirected = client.totals().bytesRedirected();

      long taken = fill(channels, size);
      assertTrue(client.totals().bytesRedirected() > redirected + LIMIT / 8, "hardly any");
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

  /**
   * Writes to each in turn until none takes a byte any more; an error of any write is thrown, but
   * for the one that says that there is no memory where a whole message finds none.
   */
  private static long fill(List<SocketChannel> channels, int size) throws Exception {
    long[] positions = new long[channels.size()];
    byte[] block = new byte[size];
    for (SocketChannel channel : channels) {
      channel.configureBlocking(false);
    }
    for (int refusals = 0; refusals < 10; ) {
      boolean any = false;
      for (int i = 0; i < positions.length; i++) {
        new Bytes(i).fill(block, block.length, positions[i]);
        int n = write(channels.get(i), ByteBuffer.wrap(block), size == LARGE);
        positions[i] += n;
        any |= n > 0;
      }
      refusals = any ? 0 : refusals + 1;
      if (!any) {
        Thread.sleep(10);
      }
    }
    return LongStream.of(positions).sum();
  }

  private static int write(SocketChannel channel, ByteBuffer block, boolean mayFindNoMemory)
      throws IOException {
    try {
      return channel.write(block);
    } catch (IOException e) {
      if (mayFindNoMemory && "Cannot allocate memory".equals(e.getMessage())) {
        return 0;
      }
      throw e;
    }
  }
}
