/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ports;

import io.underpass.ffm.BpfLink;
import io.underpass.ffm.BpfObject;
import io.underpass.kernel.Pins;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The hooks of {@code sendmsg} and {@code recvmsg}, which are attached only while a member may have
 * datagram sockets.
 *
 * <p>While they are attached, in whatever cgroup, the kernel takes the socket's lock around each of
 * them for every datagram socket of the host that is not connected ({@code
 * BPF_CGROUP_RUN_SA_PROG_LOCK}): some 60 ns, also if the program did nothing at all. Guarded by
 * {@code changes} of {@link PortGroups}.
 */
final class DatagramHooks implements AutoCloseable {
  /** The way back first: nothing is sent to a real port before its answers are translated. */
  private static final List<String> PROGRAMS =
      List.of("up_recvmsg4", "up_recvmsg6", "up_sendmsg4", "up_sendmsg6");

  private final Pins pins;
  private final BpfObject object;
  private final Path cgroup;

  /** By the program's name; those that are attached. */
  private final Map<String, BpfLink> links = new HashMap<>();

  DatagramHooks(Pins pins, BpfObject object, Path cgroup) {
    this.pins = pins;
    this.object = object;
    this.cgroup = cgroup;
  }

  /** Puts these programs in the place of those that an earlier helper left attached. */
  void adopt() throws IOException {
    for (String name : PROGRAMS) {
      if (pins.isAttached(name)) {
        links.put(name, pins.attach(object.program(name), cgroup));
      }
    }
  }

  /** Attaches those that are not. */
  void attach() throws IOException {
    for (String name : PROGRAMS) {
      if (!links.containsKey(name)) {
        links.put(name, pins.attach(object.program(name), cgroup));
      }
    }
  }

  /** Whether one is. */
  boolean areAttached() {
    return !links.isEmpty();
  }

  /** Detaches those that are attached. */
  void detach() throws IOException {
    for (String name : PROGRAMS.reversed()) {
      BpfLink link = links.remove(name);
      if (link != null) {
        pins.detach(name);
        link.close();
      }
    }
  }

  /** What is attached stays so, by its pins. */
  @Override
  public void close() {
    links.values().forEach(BpfLink::close);
    links.clear();
  }
}
