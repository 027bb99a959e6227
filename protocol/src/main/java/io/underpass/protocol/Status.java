/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.protocol;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The state of the helper.
 *
 * @param helper its version
 * @param state what it does
 * @param reason why it is in that state; empty if there is nothing to say
 * @param pid of the helper's process
 * @param uptimeSeconds since it serves
 * @param registrations how many processes are registered that the caller may see
 * @param flows how many sockets of these have a record; of all, for administration
 * @param bpffs where its objects are pinned
 * @param cgroup the cgroup its programs are attached to
 * @param kernel the kernel's release
 * @param probes what the kernel was found to do
 * @param registered the registrations that the caller may see
 * @param users what each user's sockets take of the tables; for administration alone
 * @param failures what failed lately in the helper; for administration alone
 */
public record Status(
    String helper,
    HelperState state,
    String reason,
    int pid,
    long uptimeSeconds,
    int registrations,
    long flows,
    String bpffs,
    String cgroup,
    String kernel,
    List<Probe> probes,
    List<Registration> registered,
    List<UserShare> users,
    List<Failure> failures) {

  /** One registered process. */
  public record Registration(int id, int pid, int uid, long flows) {
    private Map<String, String> toWire() {
      Map<String, String> fields = new LinkedHashMap<>();
      fields.put("id", Integer.toString(id));
      fields.put("pid", Integer.toString(pid));
      fields.put("uid", Integer.toUnsignedString(uid));
      fields.put("flows", Long.toString(flows));
      return fields;
    }

    private static Registration fromWire(Map<String, String> fields) throws WireException {
      return new Registration(
          Wire.integer(fields, "id"),
          Wire.integer(fields, "pid"),
          (int) Wire.number(fields, "uid", 0xffff_ffffL),
          Wire.number(fields, "flows"));
    }
  }

  /** The whole reply. */
  public Reply toReply() {
    Map<String, String> fields = new LinkedHashMap<>();
    fields.put("helper", helper);
    fields.put("state", state.wireName());
    fields.put("reason", reason);
    fields.put("pid", Integer.toString(pid));
    fields.put("uptimeSeconds", Long.toString(uptimeSeconds));
    fields.put("registrations", Integer.toString(registrations));
    fields.put("flows", Long.toString(flows));
    fields.put("bpffs", bpffs);
    fields.put("cgroup", cgroup);
    fields.put("kernel", kernel);
    Probe.toWire(probes, fields);
    List<Map<String, String>> records = new ArrayList<>();
    registered.forEach(r -> records.add(r.toWire()));
    users.forEach(u -> records.add(u.toWire()));
    failures.forEach(f -> records.add(f.toWire()));
    return Reply.ok(fields, records);
  }

  /** Reads a whole reply. */
  public static Status fromReply(Reply reply) throws WireException {
    Map<String, String> fields = reply.orThrow().fields();
    List<Registration> registered = new ArrayList<>();
    List<UserShare> users = new ArrayList<>();
    List<Failure> failures = new ArrayList<>();
    for (Map<String, String> record : reply.records()) {
      if (UserShare.isOne(record)) {
        users.add(UserShare.fromWire(record));
      } else if (Failure.isOne(record)) {
        failures.add(Failure.fromWire(record));
      } else {
        registered.add(Registration.fromWire(record));
      }
    }
    return new Status(
        Wire.text(fields, "helper"),
        HelperState.ofWireName(Wire.text(fields, "state")),
        Wire.text(fields, "reason"),
        Wire.integer(fields, "pid"),
        Wire.number(fields, "uptimeSeconds"),
        Wire.integer(fields, "registrations"),
        Wire.number(fields, "flows"),
        Wire.text(fields, "bpffs"),
        Wire.text(fields, "cgroup"),
        Wire.text(fields, "kernel"),
        Probe.fromWire(fields),
        List.copyOf(registered),
        List.copyOf(users),
        List.copyOf(failures));
  }
}
