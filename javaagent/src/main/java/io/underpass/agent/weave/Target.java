package io.underpass.agent.weave;

import io.underpass.agent.weave.Advices.AsyncAccepted;
import io.underpass.agent.weave.Advices.AsyncConnected;
import io.underpass.agent.weave.Advices.AsyncCreated;
import io.underpass.agent.weave.Advices.AsyncServerCreated;
import io.underpass.agent.weave.Advices.Bound;
import io.underpass.agent.weave.Advices.ChannelAccepted;
import io.underpass.agent.weave.Advices.ChannelConnected;
import io.underpass.agent.weave.Advices.ChannelCreated;
import io.underpass.agent.weave.Advices.Closing;
import io.underpass.agent.weave.Advices.ImplAccepted;
import io.underpass.agent.weave.Advices.ImplConnected;
import io.underpass.agent.weave.Advices.ImplCreated;
import io.underpass.agent.weave.Advices.PlatformServer;
import io.underpass.agent.weave.Advices.ServerChannelCreated;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * One hooked class of JDK 25. A later JDK that lacks any member named here has the class left
 * alone, whole.
 *
 * <p>Every socket of the JDK is closed by {@code UnixDispatcher}: by {@code close}, or, while a
 * platform thread is blocked in it, by the {@code dup2} in {@code implPreClose}. Those two see what
 * nine closing methods above them would.
 *
 * @param type its name
 * @param fields the fields that the advice reads, {@code name descriptor}
 * @param hooks the methods and their advice
 * @param netCalls the methods in which calls of {@link NetCalls} are
 */
record Target(String type, List<String> fields, List<Hook> hooks, List<String> netCalls) {
  private static final String FD = "Ljava/io/FileDescriptor;";
  private static final String ADDRESS = "Ljava/net/SocketAddress;";
  private static final String PROVIDER = "Ljava/nio/channels/spi/SelectorProvider;";
  private static final String FAMILY = "Ljava/net/ProtocolFamily;";
  private static final String GROUP = "Lsun/nio/ch/AsynchronousChannelGroupImpl;";

  /** By the internal name of the class. */
  static final Map<String, Target> ALL = all();

  /**
   * One hooked method.
   *
   * @param method its internal name and descriptor, in one
   * @param advice what is put there
   */
  record Hook(String method, Class<?> advice) {}

  private static Map<String, Target> all() {
    Map<String, Target> all = new HashMap<>();
    add(
        all,
        "sun/nio/ch/NioSocketImpl",
        List.of("server Z"),
        List.of("available()I", "sendUrgentData(I)V"),
        new Hook("create(Z)V", ImplCreated.class),
        new Hook("bind(Ljava/net/InetAddress;I)V", Bound.class),
        new Hook("connect(" + ADDRESS + "I)V", ImplConnected.class),
        new Hook("accept(Ljava/net/SocketImpl;)V", ImplAccepted.class));
    add(
        all,
        "sun/nio/ch/SocketChannelImpl",
        List.of("fd " + FD, "family " + FAMILY),
        List.of("available()I", "sendOutOfBandData(B)I"),
        new Hook("<init>(" + PROVIDER + FAMILY + ")V", ChannelCreated.class),
        new Hook("<init>(" + PROVIDER + FAMILY + FD + ADDRESS + ")V", ChannelAccepted.class),
        new Hook("netBind(" + ADDRESS + ")" + ADDRESS, Bound.class),
        new Hook("endConnect(ZZ)V", ChannelConnected.class),
        new Hook("endFinishConnect(ZZ)V", ChannelConnected.class));
    add(
        all,
        "sun/nio/ch/ServerSocketChannelImpl",
        List.of("fd " + FD),
        List.of(),
        new Hook("<init>(" + PROVIDER + FAMILY + ")V", ServerChannelCreated.class),
        new Hook("netBind(" + ADDRESS + "I)" + ADDRESS, Bound.class));
    add(
        all,
        "sun/nio/ch/AsynchronousSocketChannelImpl",
        List.of("fd " + FD),
        List.of(),
        new Hook("<init>(" + GROUP + ")V", AsyncCreated.class),
        new Hook("<init>(" + GROUP + FD + "Ljava/net/InetSocketAddress;)V", AsyncAccepted.class),
        new Hook(
            "bind(" + ADDRESS + ")Ljava/nio/channels/AsynchronousSocketChannel;", Bound.class));
    add(
        all,
        "sun/nio/ch/UnixAsynchronousSocketChannelImpl",
        List.of(),
        List.of(),
        new Hook("setConnected()V", AsyncConnected.class));
    add(
        all,
        "sun/nio/ch/AsynchronousServerSocketChannelImpl",
        List.of("fd " + FD),
        List.of(),
        new Hook("<init>(" + GROUP + ")V", AsyncServerCreated.class),
        new Hook(
            "bind(" + ADDRESS + "I)Ljava/nio/channels/AsynchronousServerSocketChannel;",
            Bound.class));
    add(
        all,
        "sun/nio/ch/UnixDispatcher",
        List.of(),
        List.of(),
        new Hook("close(" + FD + ")V", Closing.class),
        new Hook("implPreClose(" + FD + "JJ)V", Closing.class));
    add(
        all,
        Weaver.MANAGEMENT_FACTORY,
        List.of(),
        List.of(),
        new Hook("getPlatformMBeanServer()Ljavax/management/MBeanServer;", PlatformServer.class));
    return all;
  }

  private static void add(
      Map<String, Target> all,
      String internalName,
      List<String> fields,
      List<String> netCalls,
      Hook... hooks) {
    Target target = new Target(internalName.replace('/', '.'), fields, List.of(hooks), netCalls);
    all.put(internalName, target);
  }
}
