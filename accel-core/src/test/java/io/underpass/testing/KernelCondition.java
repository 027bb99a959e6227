/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.testing;

import io.underpass.ffm.LibBpf;
import io.underpass.ffm.UnavailableException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionConfigurationException;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.TestWatcher;

/**
 * Decides about {@link KernelTest}. Why such a test is skipped, by this or by an assumption of its
 * own, is printed: the build's summary has only the number.
 */
public final class KernelCondition implements ExecutionCondition, TestWatcher {
  @Override
  public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
    Optional<String> missing = missing();
    if (missing.isEmpty()) {
      return ConditionEvaluationResult.enabled("the kernel can be used");
    }
    if ("true".equals(System.getenv("CI"))) {
      throw new ExtensionConfigurationException(
          "with CI=true a kernel test may not be skipped: " + missing.get());
    }
    say(context, missing.get());
    return ConditionEvaluationResult.disabled(missing.get());
  }

  @Override
  public void testAborted(ExtensionContext context, Throwable cause) {
    say(context, cause == null ? "it gave up" : cause.getMessage());
  }

  private static void say(ExtensionContext context, String reason) {
    String place = context.getTestClass().map(Class::getSimpleName).orElse("");
    System.err.println("skipped: " + place + " " + context.getDisplayName() + ": " + reason);
  }

  /** What keeps the kernel's BPF from being used here; empty if nothing does. */
  public static Optional<String> missing() {
    try {
      // Bit 21: CAP_SYS_ADMIN, which implies what bpf(2) asks for.
      boolean privileged =
          Files.readAllLines(Path.of("/proc/self/status")).stream()
              .filter(line -> line.startsWith("CapEff:"))
              .map(line -> Long.parseUnsignedLong(line.substring(7).strip(), 16))
              .anyMatch(held -> (held >>> 21 & 1) != 0);
      if (!privileged) {
        return Optional.of("this needs root");
      }
      if (!Files.readString(Path.of("/proc/self/mountinfo")).contains(" - cgroup2 ")) {
        return Optional.of("no cgroup v2 hierarchy is mounted");
      }
    } catch (IOException e) {
      return Optional.of("/proc cannot be read: " + e);
    }
    if (!Files.isReadable(Path.of("/sys/kernel/btf/vmlinux"))) {
      return Optional.of("the kernel has no BTF");
    }
    return LibBpf.unavailabilityCause().map(UnavailableException::getMessage);
  }
}
