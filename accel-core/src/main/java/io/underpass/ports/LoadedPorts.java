/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ports;

import io.underpass.ffm.BpfObject;
import io.underpass.ffm.RingBuffer;
import io.underpass.kernel.BuiltObject;
import io.underpass.kernel.OpenResources;
import io.underpass.kernel.Pins;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;

/**
 * The object of port groups in the kernel: its maps, and its programs, attached but for those of
 * {@link DatagramHooks}.
 *
 * @param open what is to be closed; what is pinned stays
 */
record LoadedPorts(
    GroupMembers members,
    LocalAddresses locals,
    Identities identities,
    Shares shares,
    PortsTable table,
    DatagramHooks datagrams,
    RingBuffer events,
    OpenResources open)
    implements AutoCloseable {
  /** Beside those of {@link DatagramHooks}. */
  private static final List<String> CGROUP_PROGRAMS =
      List.of(
          "up_post_bind4",
          "up_post_bind6",
          "up_sock_release",
          "up_getsockname4",
          "up_getsockname6",
          "up_getpeername4",
          "up_getpeername6",
          "up_group_connect4",
          "up_group_connect6",
          // Last: nothing is translated before everything that translates back is in place.
          "up_bind4",
          "up_bind6");

  /**
   * Adopts what is pinned, or loads and pins.
   *
   * @param netns the helper's own network namespace
   */
  static LoadedPorts load(Pins pins, Path cgroup, int netns, Consumer<String> trouble)
      throws IOException {
    boolean adopting = pins.exist();
    OpenResources open = new OpenResources();
    BpfObject object = BpfObject.open(BuiltObject.PORTS.image(), "ports");
    open.keep(object);
    try {
      pins.prepare(object);
      object.load();
      for (String name : CGROUP_PROGRAMS) {
        open.keep(pins.attach(object.program(name), cgroup));
      }
      DatagramHooks datagrams = new DatagramHooks(pins, object, cgroup);
      open.keep(datagrams);
      datagrams.adopt();
      RingBuffer events = new RingBuffer(object.map("port_events"), _ -> {});
      open.keep(events);
      GroupMembers members =
          new GroupMembers(object.map("port_members"), object.map("member_filter"));
      return new LoadedPorts(
          members,
          new LocalAddresses(object.map("locals"), netns, trouble),
          new Identities(object.map("identities"), object.map("identity_filter"), members, netns),
          new Shares(object.map("shares"), trouble),
          new PortsTable(object.map("bound")),
          datagrams,
          events,
          open);
    } catch (IOException | RuntimeException e) {
      open.closeAfter(e);
      if (!adopting) {
        pins.remove();
      }
      throw e;
    }
  }

  @Override
  public void close() {
    open.close();
  }
}
