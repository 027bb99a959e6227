package io.underpass.datapath;

import io.underpass.protocol.ErrorCode;
import io.underpass.protocol.WireException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Whose a process is and where, by /proc: where the kernel lets no program look at it.
 *
 * @param uid the effective one, in the initial user namespace
 * @param pidNamespace the number of the one it is in
 * @param userNamespace likewise
 */
record ProcessStatus(int uid, int pidNamespace, int userNamespace) {
  /** Of a process that there is. */
  static ProcessStatus of(int pid) throws WireException {
    Path process = Path.of("/proc/" + pid);
    try {
      for (String line : Files.readAllLines(process.resolve("status"))) {
        if (line.startsWith("Uid:")) {
          int uid = Integer.parseUnsignedInt(line.split("\\s+", -1)[2]);
          return new ProcessStatus(uid, namespace(process, "pid"), namespace(process, "user"));
        }
      }
    } catch (IOException e) {
      // Said below.
    }
    throw new WireException(
        ErrorCode.DENIED, "process " + pid + " is not to be seen from the helper");
  }

  /** {@code pid:[4026531836]}. */
  private static int namespace(Path process, String kind) throws IOException {
    String link = Files.readSymbolicLink(process.resolve("ns").resolve(kind)).toString();
    return Integer.parseUnsignedInt(link.substring(link.indexOf('[') + 1, link.length() - 1));
  }
}
