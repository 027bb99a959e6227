/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.StandardSocketOptions;
import java.util.concurrent.TimeUnit;
import javax.management.JMException;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * What the agent's hooks are in the way of, one operation at a time, in one thread: nobody is woken
 * and nothing is waited for, so that a hook's cost shows.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class SocketOperations {

  private static final int MESSAGE = 1024;

  /** Two sockets of this process, joined. */
  @State(Scope.Thread)
  public static class Joined {

    private final byte[] message = new byte[MESSAGE];
    private ServerSocket listener;
    private Socket near;
    private Socket far;

    /** Joins them, when the agent is registered, if there is one. */
    @Setup
    public void join() throws IOException, JMException, InterruptedException {
      Registered.await();
      listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
      near = new Socket(InetAddress.getLoopbackAddress(), listener.getLocalPort());
      far = listener.accept();
      near.setTcpNoDelay(true);
      far.setTcpNoDelay(true);
    }

    /** Parts them. */
    @TearDown
    public void part() throws IOException {
      far.close();
      near.close();
      listener.close();
    }

    /** Carries a message there, and one back. */
    private int exchange() throws IOException {
      near.getOutputStream().write(message);
      int there = far.getInputStream().readNBytes(message, 0, MESSAGE);
      far.getOutputStream().write(message);
      return there + near.getInputStream().readNBytes(message, 0, MESSAGE);
    }
  }

  /** Two that carried urgent data: such a flow stays with TCP, and pays for the hooks alone. */
  public static class JoinedByTcp extends Joined {

    /** Joins them, and sends urgent data either way, which the other end does not see. */
    @Setup
    public void stayWithTcp() throws IOException {
      super.near.sendUrgentData(0);
      super.far.sendUrgentData(0);
    }
  }

  /** Over a flow that is accelerated where there is an agent. */
  @Benchmark
  public int exchange(Joined pair) throws IOException {
    return pair.exchange();
  }

  /** Over one that is not. */
  @Benchmark
  public int exchangeByTcp(JoinedByTcp pair) throws IOException {
    return ((Joined) pair).exchange();
  }

  /** Of a stream with nothing to read. */
  @Benchmark
  public int available(Joined pair) throws IOException {
    return pair.near.getInputStream().available();
  }

  /** One that goes to the kernel. */
  @Benchmark
  public Socket setOption(Joined pair) throws IOException {
    return pair.near.setOption(StandardSocketOptions.TCP_NODELAY, true);
  }

  /**
   * Setting an option makes the descriptor. The pair is there for its setup, which awaits the
   * agent.
   */
  @Benchmark
  public Socket createAndClose(Joined pair) throws IOException {
    try (Socket socket = new Socket()) {
      socket.setReuseAddress(true);
      return socket;
    }
  }

  /** The accepting end closes first, so the next connect never finds its port in TIME_WAIT. */
  @Benchmark
  public Socket connectAndClose(Joined pair) throws IOException {
    int port = pair.listener.getLocalPort();
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      pair.listener.accept().close();
      return socket;
    }
  }
}
