package io.underpass.helper;

import java.nio.file.Path;

/**
 * What the helper is started with.
 *
 * @param socket where it listens
 * @param policyFile who may register; null: {@link Policy#DEFAULT_FILE} if there is one, else root
 *     and the members of the group {@code underpass}
 * @param bpffs the folder of its pins, on a file system of type bpf
 * @param takeEvery enrol every pair as soon as it is found, whatever its traffic (for tests)
 */
public record HelperConfig(Path socket, Path policyFile, Path bpffs, boolean takeEvery) {
  public static final Path DEFAULT_SOCKET = Path.of("/run/underpass/helper.sock");
  public static final Path DEFAULT_BPFFS = Path.of("/sys/fs/bpf/underpass");

  public static HelperConfig defaults() {
    return new HelperConfig(DEFAULT_SOCKET, null, DEFAULT_BPFFS, false);
  }

  public HelperConfig withSocket(Path path) {
    return new HelperConfig(path, policyFile, bpffs, takeEvery);
  }

  public HelperConfig withPolicyFile(Path path) {
    return new HelperConfig(socket, path, bpffs, takeEvery);
  }

  public HelperConfig withBpffs(Path path) {
    return new HelperConfig(socket, policyFile, path, takeEvery);
  }

  public HelperConfig withTakeEvery(boolean every) {
    return new HelperConfig(socket, policyFile, bpffs, every);
  }
}
