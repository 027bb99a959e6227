/* SPDX-License-Identifier: Apache-2.0 */
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
import static io.underpass.agent.weave.Repair.AVAILABLE;
import static io.underpass.agent.weave.Repair.CLOSE;
import static io.underpass.agent.weave.Repair.CONNECTIONS;
import static io.underpass.agent.weave.Repair.FAILED_WRITE;
import static io.underpass.agent.weave.Repair.RESET;
import static io.underpass.agent.weave.Repair.URGENT;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The hooks, by the class that they are in. Where releases of the JDK have different places for
 * one, all are named, and those that a JDK has are woven.
 */
final class Targets {
  static final String MANAGEMENT_FACTORY = "java/lang/management/ManagementFactory";

  private static final String FD = "Ljava/io/FileDescriptor;";
  private static final String ADDRESS = "Ljava/net/SocketAddress;";
  private static final String PROVIDER = "Ljava/nio/channels/spi/SelectorProvider;";
  private static final String FAMILY = "Ljava/net/ProtocolFamily;";
  private static final String GROUP = "Lsun/nio/ch/AsynchronousChannelGroupImpl;";

  private static final Load OWN_FD = Load.field("fd", FD);
  private static final Load OWN_FAMILY = Load.field("family", FAMILY);
  private static final Load FIRST_FD = Load.argument(1, FD);

  /** By internal name. */
  static final Map<String, List<Member>> ALL = new Targets().all;

  private final Map<String, List<Member>> all = new LinkedHashMap<>();

  private Targets() {
    sockets();
    channels();
    asynchronous();
    readsAndWrites();
    closes();
    optional(
        "sun/nio/ch/EPollSelectorImpl",
        new SelectHook(
            "doSelect(Ljava/util/function/Consumer;J)I",
            Load.field("epfd", "I"),
            Load.field("pollArrayAddress", "J")));
    optional(
        MANAGEMENT_FACTORY,
        new ResultHook("getPlatformMBeanServer()Ljavax/management/MBeanServer;"));
  }

  private void sockets() {
    String type = "sun/nio/ch/NioSocketImpl";
    optional(
        type, new ExitHook("create(Z)V", SOCKET_CREATED, OWN_FD, null, Load.field("server", "Z")));
    optional(type, new ExitHook("bind(Ljava/net/InetAddress;I)V", BOUND, OWN_FD));
    needed(CONNECTIONS, type, new ExitHook("connect(" + ADDRESS + "I)V", SOCKET_CONNECTED, OWN_FD));
    needed(
        CONNECTIONS,
        type,
        new ExitHook("accept(Ljava/net/SocketImpl;)V", SOCKET_ACCEPTED, OWN_FD.of(1)));
    optional(type, new ReadHook("beginRead()" + FD, OWN_FD));
    needed(AVAILABLE, type, new AvailableHook("available()I"));
    needed(URGENT, type, new UrgentHook("sendUrgentData(I)V"));
  }

  private void channels() {
    String type = "sun/nio/ch/SocketChannelImpl";
    optional(
        type,
        new ExitHook(
            "<init>(" + PROVIDER + FAMILY + ")V", CHANNEL_CREATED, OWN_FD, OWN_FAMILY, null));
    needed(
        CONNECTIONS,
        type,
        new ExitHook(
            "<init>(" + PROVIDER + FAMILY + FD + ADDRESS + ")V",
            CHANNEL_ACCEPTED,
            OWN_FD,
            OWN_FAMILY,
            null));
    optional(type, new ExitHook("netBind(" + ADDRESS + ")" + ADDRESS, BOUND, OWN_FD));
    Load connected = Load.argument(2, "Z");
    needed(
        CONNECTIONS,
        type,
        new ExitHook("endConnect(ZZ)V", CHANNEL_CONNECTED, OWN_FD, OWN_FAMILY, connected));
    needed(
        CONNECTIONS,
        type,
        new ExitHook("endFinishConnect(ZZ)V", CHANNEL_CONNECTED, OWN_FD, OWN_FAMILY, connected));
    optional(type, new ReadHook("beginRead(Z)V", OWN_FD, Load.argument(1, "Z")));
    needed(AVAILABLE, type, new AvailableHook("available()I"));
    needed(URGENT, type, new UrgentHook("sendOutOfBandData(B)I"));
    String server = "sun/nio/ch/ServerSocketChannelImpl";
    optional(
        server,
        new ExitHook(
            "<init>(" + PROVIDER + FAMILY + ")V",
            SERVER_CHANNEL_CREATED,
            OWN_FD,
            OWN_FAMILY,
            null));
    optional(server, new ExitHook("netBind(" + ADDRESS + "I)" + ADDRESS, BOUND, OWN_FD));
  }

  private void asynchronous() {
    String type = "sun/nio/ch/AsynchronousSocketChannelImpl";
    optional(type, new ExitHook("<init>(" + GROUP + ")V", ASYNC_CREATED, OWN_FD));
    needed(
        CONNECTIONS,
        type,
        new ExitHook(
            "<init>(" + GROUP + FD + "Ljava/net/InetSocketAddress;)V", ASYNC_ACCEPTED, OWN_FD));
    optional(
        type,
        new ExitHook(
            "bind(" + ADDRESS + ")Ljava/nio/channels/AsynchronousSocketChannel;", BOUND, OWN_FD));
    needed(
        CONNECTIONS,
        "sun/nio/ch/UnixAsynchronousSocketChannelImpl",
        new ExitHook("setConnected()V", ASYNC_CONNECTED, OWN_FD));
    String server = "sun/nio/ch/AsynchronousServerSocketChannelImpl";
    optional(server, new ExitHook("<init>(" + GROUP + ")V", ASYNC_SERVER_CREATED, OWN_FD));
    optional(
        server,
        new ExitHook(
            "bind(" + ADDRESS + "I)Ljava/nio/channels/AsynchronousServerSocketChannel;",
            BOUND,
            OWN_FD));
  }

  /**
   * Every read and write of a socket comes to one dispatcher, whatever class the socket is of;
   * those of several buffers by readv and writev. A transfer from a file does not.
   */
  private void readsAndWrites() {
    String type = "sun/nio/ch/SocketDispatcher";
    String read = "read(" + FD + "JI)I";
    String readv = "readv(" + FD + "JI)J";
    String write = "write(" + FD + "JI)I";
    String writev = "writev(" + FD + "JI)J";
    needed(RESET, type, new FailureHook(read, FIRST_FD, READ));
    needed(RESET, type, new AnswerHook(read, FIRST_FD));
    needed(RESET, type, new FailureHook(readv, FIRST_FD, READ));
    needed(RESET, type, new AnswerHook(readv, FIRST_FD));
    needed(FAILED_WRITE, type, new FailureHook(write, FIRST_FD, WRITE));
    needed(FAILED_WRITE, type, new FailureHook(writev, FIRST_FD, WRITE));
    optional(type, new WriteHook(write, FIRST_FD, Load.argument(4, "I")));
    String transfer = "transfer";
    oneOf(
        transfer,
        FAILED_WRITE,
        "sun/nio/ch/FileDispatcherImpl",
        new FailureHook("transferTo(" + FD + "JJ" + FD + "Z)J", Load.argument(6, FD), TRANSFER));
    // JDK 17: the native call is the channel's own.
    oneOf(
        transfer,
        FAILED_WRITE,
        "sun/nio/ch/FileChannelImpl",
        new FailureHook(
            "transferToDirectlyInternal(JILjava/nio/channels/WritableByteChannel;" + FD + ")J",
            Load.argument(5, FD),
            TRANSFER,
            "transferTo0"));
  }

  /**
   * Every socket is closed by its dispatcher: by {@code close}, or, while a platform thread is
   * blocked in it, by the {@code dup2} in {@code preClose}. Those two see what nine closing methods
   * above them would.
   */
  private void closes() {
    String dispatcher = "sun/nio/ch/UnixDispatcher";
    String earlier = "sun/nio/ch/SocketDispatcher"; // JDK 17 has no other
    String close = "close(" + FD + ")V";
    for (String type : new String[] {dispatcher, earlier}) {
      oneOf("close", CLOSE, type, new EnterHook(close, CLOSING, FIRST_FD));
    }
    String preClose = "preClose";
    oneOf(
        preClose,
        CLOSE,
        dispatcher,
        new EnterHook("implPreClose(" + FD + "JJ)V", CLOSING, FIRST_FD));
    for (String type : new String[] {dispatcher, earlier}) {
      oneOf(preClose, CLOSE, type, new EnterHook("preClose(" + FD + ")V", CLOSING, FIRST_FD));
    }
    oneOf(preClose, CLOSE, earlier, new EnterHook("preClose(" + FD + "JJ)V", CLOSING, FIRST_FD));
  }

  private void optional(String type, Hook hook) {
    add(Member.optional(type, hook));
  }

  private void needed(Repair repair, String type, Hook hook) {
    add(Member.needed(type, hook, repair));
  }

  private void oneOf(String need, Repair repair, String type, Hook hook) {
    add(Member.oneOf(need, type, hook, repair));
  }

  private void add(Member member) {
    List<Member> members = all.get(member.type());
    if (members == null) {
      members = new ArrayList<>();
      all.put(member.type(), members);
    }
    members.add(member);
  }
}
