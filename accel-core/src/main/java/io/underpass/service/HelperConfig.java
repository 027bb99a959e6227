/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.service;

import io.underpass.policy.Policy;
import io.underpass.policy.Rules;
import io.underpass.policy.Trust;
import io.underpass.protocol.HelperClient;
import java.nio.file.Path;

/**
 * What the helper is started with.
 *
 * @param socket where it listens for those who register
 * @param policyFile who may register; null: {@link Policy#DEFAULT_FILE} if there is one, else root
 *     and the members of the group {@code underpass}
 * @param rules what is decided by port, whatever the traffic
 * @param bpffs the folder of its pins, on a file system of type bpf
 * @param takeEvery enrol every pair as soon as it is found, whatever its traffic (for tests)
 * @param adminSocket where it listens for those who administer it; null: {@link #adminSocketOf}
 * @param trustDigest of the policy's lines of trust; the helper fills it in
 */
public record HelperConfig(
    Path socket,
    Path policyFile,
    Rules rules,
    Path bpffs,
    boolean takeEvery,
    Path adminSocket,
    int trustDigest) {
  public static final Path DEFAULT_BPFFS = Path.of("/sys/fs/bpf/underpass");

  public static HelperConfig defaults() {
    return new HelperConfig(
        HelperClient.DEFAULT_SOCKET, null, Rules.NONE, DEFAULT_BPFFS, false, null, 0);
  }

  public HelperConfig withSocket(Path path) {
    return new HelperConfig(path, policyFile, rules, bpffs, takeEvery, adminSocket, trustDigest);
  }

  public HelperConfig withPolicyFile(Path path) {
    return new HelperConfig(socket, path, rules, bpffs, takeEvery, adminSocket, trustDigest);
  }

  /** Rules of a file: {@link Rules#load}. */
  public HelperConfig withRules(Rules some) {
    return new HelperConfig(socket, policyFile, some, bpffs, takeEvery, adminSocket, trustDigest);
  }

  public HelperConfig withBpffs(Path path) {
    return new HelperConfig(socket, policyFile, rules, path, takeEvery, adminSocket, trustDigest);
  }

  public HelperConfig withTakeEvery(boolean every) {
    return new HelperConfig(socket, policyFile, rules, bpffs, every, adminSocket, trustDigest);
  }

  public HelperConfig withAdminSocket(Path path) {
    return new HelperConfig(socket, policyFile, rules, bpffs, takeEvery, path, trustDigest);
  }

  /** The helper fills it in, by the policy: {@link Trust#digest}. */
  public HelperConfig withTrustDigest(int digest) {
    return new HelperConfig(socket, policyFile, rules, bpffs, takeEvery, adminSocket, digest);
  }

  /** Where it is by default: in a folder of root's, beside the other one. */
  public static Path adminSocketOf(Path socket) {
    Path name = socket.getFileName();
    // Helpers with sockets of other names may share a folder.
    boolean usual = name.equals(HelperClient.DEFAULT_SOCKET.getFileName());
    return socket.resolveSibling("admin").resolve(usual ? Path.of("admin.sock") : name);
  }
}
