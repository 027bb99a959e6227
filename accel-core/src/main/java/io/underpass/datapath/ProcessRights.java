package io.underpass.datapath;

import io.underpass.protocol.ErrorCode;
import io.underpass.protocol.WireException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * Whose a process is and what it may, by /proc: where the kernel lets no program look at it. See
 * {@code is_privileged} in {@code bpf/process.bpf.h}, which says the same.
 *
 * @param uid the effective one, in the initial user namespace
 * @param isPrivileged whether it runs with rights that its user does not have
 * @param pidNamespace the number of the one it is in
 * @param userNamespace likewise
 */
record ProcessRights(int uid, boolean isPrivileged, int pidNamespace, int userNamespace) {
  /** Of a process that there is. */
  static ProcessRights of(int pid) throws WireException {
    Path process = Path.of("/proc/" + pid);
    try {
      Map<String, String> status = new HashMap<>();
      for (String line : Files.readAllLines(process.resolve("status"))) {
        int colon = line.indexOf(':');
        status.put(line.substring(0, colon), line.substring(colon + 1).strip());
      }
      String[] uids = status.get("Uid").split("\\s+", -1);
      long permitted = Long.parseUnsignedLong(status.get("CapPrm"), 16);
      long ambient = Long.parseUnsignedLong(status.get("CapAmb"), 16);
      int user = namespace(process, "user");
      boolean changed = !uids[1].equals(uids[0]) || !uids[2].equals(uids[0]);
      boolean foreign = user != namespace(Path.of("/proc/self"), "user");
      boolean more = !uids[0].equals("0") && !foreign && (permitted & ~ambient) != 0;
      return new ProcessRights(
          Integer.parseUnsignedInt(uids[1]), changed || more, namespace(process, "pid"), user);
    } catch (IOException e) {
      throw new WireException(
          ErrorCode.DENIED, "process " + pid + " is not to be seen from the helper");
    }
  }

  /** {@code pid:[4026531836]}. */
  private static int namespace(Path process, String kind) throws IOException {
    String link = Files.readSymbolicLink(process.resolve("ns").resolve(kind)).toString();
    return Integer.parseUnsignedInt(link.substring(link.indexOf('[') + 1, link.length() - 1));
  }
}
