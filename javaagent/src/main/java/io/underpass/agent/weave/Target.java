package io.underpass.agent.weave;

import static io.underpass.agent.bridge.UnderpassBridge.ASYNC_ACCEPTED;
import static io.underpass.agent.bridge.UnderpassBridge.ASYNC_CONNECTED;
import static io.underpass.agent.bridge.UnderpassBridge.ASYNC_CREATED;
import static io.underpass.agent.bridge.UnderpassBridge.ASYNC_SERVER_CREATED;
import static io.underpass.agent.bridge.UnderpassBridge.BOUND;
import static io.underpass.agent.bridge.UnderpassBridge.CHANNEL_ACCEPTED;
import static io.underpass.agent.bridge.UnderpassBridge.CHANNEL_CONNECTED;
import static io.underpass.agent.bridge.UnderpassBridge.CHANNEL_CREATED;
import static io.underpass.agent.bridge.UnderpassBridge.CLOSING;
import static io.underpass.agent.bridge.UnderpassBridge.READ;
import static io.underpass.agent.bridge.UnderpassBridge.SERVER_CHANNEL_CREATED;
import static io.underpass.agent.bridge.UnderpassBridge.SOCKET_ACCEPTED;
import static io.underpass.agent.bridge.UnderpassBridge.SOCKET_CONNECTED;
import static io.underpass.agent.bridge.UnderpassBridge.SOCKET_CREATED;
import static io.underpass.agent.bridge.UnderpassBridge.TRANSFER;
import static io.underpass.agent.bridge.UnderpassBridge.WRITE;

import io.underpass.agent.weave.Hook.Load;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * One hooked class of JDK 25, and its hooks. A JDK that lacks a member named here has the class
 * left alone, whole.
 *
 * <p>Every socket of the JDK is closed by {@code UnixDispatcher}: by {@code close}, or, while a
 * platform thread is blocked in it, by the {@code dup2} in {@code implPreClose}. Those two see what
 * nine closing methods above them would.
 *
 * @param type its internal name
 */
record Target(String type, List<Hook> hooks) {
  static final String MANAGEMENT_FACTORY = "java/lang/management/ManagementFactory";

  private static final String FD = "Ljava/io/FileDescriptor;";
  private static final String ADDRESS = "Ljava/net/SocketAddress;";
  private static final String PROVIDER = "Ljava/nio/channels/spi/SelectorProvider;";
  private static final String FAMILY = "Ljava/net/ProtocolFamily;";
  private static final String GROUP = "Lsun/nio/ch/AsynchronousChannelGroupImpl;";

  private static final Load OWN_FD = Load.field("fd", FD);
  private static final Load OWN_FAMILY = Load.field("family", FAMILY);

  /** By internal name. */
  static final Map<String, Target> ALL = all();

  private static Map<String, Target> all() {
    Map<String, Target> all = new HashMap<>();
    add(
        all,
        "sun/nio/ch/NioSocketImpl",
        Hook.exit("create(Z)V", SOCKET_CREATED, OWN_FD).flag(Load.field("server", "Z")),
        Hook.exit("bind(Ljava/net/InetAddress;I)V", BOUND, OWN_FD),
        Hook.exit("connect(" + ADDRESS + "I)V", SOCKET_CONNECTED, OWN_FD),
        Hook.exit("accept(Ljava/net/SocketImpl;)V", SOCKET_ACCEPTED, OWN_FD.of(1)),
        Hook.read("beginRead()" + FD, OWN_FD, null),
        Hook.available("available()I"),
        Hook.sendOob("sendUrgentData(I)V"));
    add(
        all,
        "sun/nio/ch/SocketChannelImpl",
        Hook.exit("<init>(" + PROVIDER + FAMILY + ")V", CHANNEL_CREATED, OWN_FD).family(OWN_FAMILY),
        Hook.exit("<init>(" + PROVIDER + FAMILY + FD + ADDRESS + ")V", CHANNEL_ACCEPTED, OWN_FD)
            .family(OWN_FAMILY),
        Hook.exit("netBind(" + ADDRESS + ")" + ADDRESS, BOUND, OWN_FD),
        Hook.exit("endConnect(ZZ)V", CHANNEL_CONNECTED, OWN_FD)
            .family(OWN_FAMILY)
            .flag(Load.argument(2, "Z")),
        Hook.exit("endFinishConnect(ZZ)V", CHANNEL_CONNECTED, OWN_FD)
            .family(OWN_FAMILY)
            .flag(Load.argument(2, "Z")),
        Hook.read("beginRead(Z)V", OWN_FD, Load.argument(1, "Z")),
        Hook.available("available()I"),
        Hook.sendOob("sendOutOfBandData(B)I"));
    add(
        all,
        "sun/nio/ch/ServerSocketChannelImpl",
        Hook.exit("<init>(" + PROVIDER + FAMILY + ")V", SERVER_CHANNEL_CREATED, OWN_FD)
            .family(OWN_FAMILY),
        Hook.exit("netBind(" + ADDRESS + "I)" + ADDRESS, BOUND, OWN_FD));
    add(
        all,
        "sun/nio/ch/AsynchronousSocketChannelImpl",
        Hook.exit("<init>(" + GROUP + ")V", ASYNC_CREATED, OWN_FD),
        Hook.exit(
            "<init>(" + GROUP + FD + "Ljava/net/InetSocketAddress;)V", ASYNC_ACCEPTED, OWN_FD),
        Hook.exit(
            "bind(" + ADDRESS + ")Ljava/nio/channels/AsynchronousSocketChannel;", BOUND, OWN_FD));
    add(
        all,
        "sun/nio/ch/UnixAsynchronousSocketChannelImpl",
        Hook.exit("setConnected()V", ASYNC_CONNECTED, OWN_FD));
    add(
        all,
        "sun/nio/ch/AsynchronousServerSocketChannelImpl",
        Hook.exit("<init>(" + GROUP + ")V", ASYNC_SERVER_CREATED, OWN_FD),
        Hook.exit(
            "bind(" + ADDRESS + "I)Ljava/nio/channels/AsynchronousServerSocketChannel;",
            BOUND,
            OWN_FD));
    add(
        all,
        "sun/nio/ch/EPollSelectorImpl",
        Hook.select(
            "doSelect(Ljava/util/function/Consumer;J)I",
            Load.field("epfd", "I"),
            Load.field("pollArrayAddress", "J")));
    // Every read and write of a socket comes here, whatever class it is of; those of several
    // buffers by readv and writev. A transfer from a file comes to the files' dispatcher.
    add(
        all,
        "sun/nio/ch/SocketDispatcher",
        Hook.failure("read(" + FD + "JI)I", Load.argument(1, FD), READ),
        Hook.answer("read(" + FD + "JI)I", Load.argument(1, FD)),
        Hook.failure("readv(" + FD + "JI)J", Load.argument(1, FD), READ),
        Hook.answer("readv(" + FD + "JI)J", Load.argument(1, FD)),
        Hook.failure("write(" + FD + "JI)I", Load.argument(1, FD), WRITE),
        Hook.failure("writev(" + FD + "JI)J", Load.argument(1, FD), WRITE),
        Hook.write("write(" + FD + "JI)I", Load.argument(1, FD), Load.argument(4, "I")));
    add(
        all,
        "sun/nio/ch/FileDispatcherImpl",
        Hook.failure("transferTo(" + FD + "JJ" + FD + "Z)J", Load.argument(6, FD), TRANSFER));
    add(
        all,
        "sun/nio/ch/UnixDispatcher",
        Hook.enter("close(" + FD + ")V", CLOSING, Load.argument(1, FD)),
        Hook.enter("implPreClose(" + FD + "JJ)V", CLOSING, Load.argument(1, FD)));
    add(
        all,
        MANAGEMENT_FACTORY,
        Hook.result("getPlatformMBeanServer()Ljavax/management/MBeanServer;"));
    return all;
  }

  private static void add(Map<String, Target> all, String type, Hook... hooks) {
    all.put(type, new Target(type, List.of(hooks)));
  }
}
