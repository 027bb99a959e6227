/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.ports;

import io.underpass.datapath.KernelSource;
import io.underpass.helper.Helper;
import io.underpass.kernel.BuiltObject;
import io.underpass.protocol.HelperClient;
import io.underpass.protocol.PortView;
import io.underpass.protocol.Request;
import io.underpass.service.HelperConfig;
import io.underpass.testing.Pinning;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;

/** A helper in this JVM, which is in no group itself, and the processes that register with it. */
final class PortsBed implements AutoCloseable {
  static final int NOBODY = 65534;

  private final Path folder;
  private final Helper helper;
  private final Path pins;
  private boolean closed;
  private final List<Cast> cast = Collections.synchronizedList(new ArrayList<>());

  /**
   * @param policy lines beside those that let root register and use every group
   */
  PortsBed(String policy) throws IOException {
    folder = Files.createTempDirectory("underpass-test");
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    Path file = folder.resolve("policy");
    Files.writeString(file, "allow uid 0\ngroup * uid 0 publish * low\n" + policy);
    pins = Pinning.newFolder();
    helper =
        Helper.start(
            HelperConfig.defaults()
                .withSocket(folder.resolve("helper.sock"))
                .withPolicyFile(file)
                .withBpffs(pins),
            new KernelSource());
  }

  Path socket() {
    return helper.socket();
  }

  /** How many of the four hooks of sendmsg and recvmsg are attached. */
  int datagramHooks() {
    return datagramHooks(pins);
  }

  static int datagramHooks(Path pins) {
    Path folder;
    try {
      folder = BuiltObject.PORTS.pinFolder(pins);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return (int)
        Stream.of("sendmsg4", "sendmsg6", "recvmsg4", "recvmsg6")
            .filter(hook -> Files.exists(folder.resolve("link_up_" + hook)))
            .count();
  }

  /** A process that no helper knows of. */
  Cast plain() throws IOException {
    Cast made = Cast.plain();
    cast.add(made);
    return made;
  }

  /** A member that promises to say so before it has datagram sockets. */
  Cast memberWithoutDatagrams(String group, String ports) throws IOException {
    Cast made = Cast.memberWithoutDatagrams(socket(), group, ports);
    cast.add(made);
    return made;
  }

  Cast member(String group, String ports) throws IOException {
    return member(group, ports, "-", "-");
  }

  Cast member(String group, String ports, String publish, String identity) throws IOException {
    Cast made = Cast.member(socket(), group, ports, publish, identity);
    cast.add(made);
    return made;
  }

  /** With options of the JVM. */
  Cast memberWith(List<String> options, String group, String ports) throws IOException {
    Cast made = Cast.memberWith(options, socket(), group, ports);
    cast.add(made);
    return made;
  }

  /** As the user nobody. */
  Cast nobody(String group, String ports, String publish, String identity) throws IOException {
    return user(NOBODY, group, ports, publish, identity);
  }

  /** A member of some user's, who has no privilege. */
  Cast user(int uid, String group, String ports, String publish, String identity)
      throws IOException {
    return user(uid, List.of(), List.of(socket().toString(), group, ports, publish, identity));
  }

  /** A process of some user's, who has no privilege, that no helper knows of. */
  Cast stranger(int uid, String... options) throws IOException {
    return user(uid, List.of(options), List.of());
  }

  private Cast user(int uid, List<String> options, List<String> member) throws IOException {
    Path classes = folder.resolve("classes");
    if (!Files.exists(classes)) {
      Cast.copyClasses(classes);
    }
    Cast made = Cast.user(uid, classes, options, member);
    cast.add(made);
    return made;
  }

  /** What runs here can be read, and run, by everybody. */
  Path folder() {
    return folder;
  }

  /** All ports that are bound. */
  List<PortView> ports() {
    return ports(socket());
  }

  static List<PortView> ports(Path socket) {
    Path admin = HelperConfig.adminSocketOf(socket);
    try (HelperClient client = HelperClient.connect(admin, Duration.ofSeconds(20))) {
      return client.ports(Request.ports(1000));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Waits until nothing is bound: close() may return while a thread is still inside of accept().
   */
  void awaitNone() throws InterruptedException {
    long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    while (!ports().isEmpty()) {
      if (System.nanoTime() > end) {
        throw new AssertionError("still bound: " + ports());
      }
      Thread.sleep(5);
    }
  }

  /** Waits until the helper has so many processes. */
  void awaitRegistrations(int count) throws Exception {
    long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    while (helper.status().registrations() != count) {
      if (System.nanoTime() > end) {
        throw new AssertionError(helper.status());
      }
      Thread.sleep(5);
    }
  }

  /** Closes what the members have open. */
  void closeSockets() throws Exception {
    for (Cast member : cast) {
      if (member.isAlive()) {
        member.say("close");
      }
    }
    awaitNone();
  }

  /** A second call does nothing. */
  @Override
  public void close() throws IOException {
    if (closed) {
      return;
    }
    closed = true;
    for (Cast member : cast) {
      member.kill();
    }
    helper.close();
    try (var files = Files.walk(folder)) {
      for (Path file : files.toList().reversed()) {
        Files.delete(file);
      }
    }
  }
}
