/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.probe;

import io.underpass.ffm.UnavailableException;
import io.underpass.protocol.Probe;
import io.underpass.protocol.Probe.Outcome;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Tries the running kernel before anybody's sockets are touched: the real programs, on loopback
 * pairs of its own ({@link ProbeBed}). No version is compared: what a kernel does is seen, whatever
 * was backported to it, or broken in it.
 *
 * <p>Its result decides: a behaviour that acceleration cannot do without refuses it, another one
 * switches off what needs it.
 */
public final class KernelProbe {
  private final byte[] image;
  private final Path cgroup;
  private final int faults;
  private final List<Probe> found = new ArrayList<>();

  private KernelProbe(byte[] image, Path cgroup, int faults) {
    this.image = image;
    this.cgroup = cgroup;
    this.faults = faults;
  }

  /**
   * Runs all probes.
   *
   * @param faults what to make wrong, for tests; 0 for nothing
   * @param limit how long it may take: then it is given up, which is a failure
   * @throws IOException if the programs cannot be loaded at all
   */
  public static List<Probe> run(byte[] image, Path cgroup, int faults, Duration limit)
      throws IOException {
    CompletableFuture<List<Probe>> result = new CompletableFuture<>();
    Thread thread =
        Thread.ofPlatform()
            .daemon()
            .name("underpass-probe")
            .start(
                () -> {
                  try {
                    result.complete(new KernelProbe(image, cgroup, faults).all());
                  } catch (IOException | RuntimeException e) {
                    result.completeExceptionally(e);
                  }
                });
    try {
      return result.get(limit.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      // Ends every wait of Java's, and with it the programs, of which one answers for the whole
      // host. What waits in the kernel all the same goes with this process; nothing is pinned.
      thread.interrupt();
      return List.of(
          new Probe("time", Outcome.FAILED, "it did not end within " + limit.toMillis() + " ms"));
    } catch (ExecutionException e) {
      if (e.getCause() instanceof IOException cause) {
        throw cause;
      }
      throw new IllegalStateException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return List.of(new Probe("time", Outcome.FAILED, "it was interrupted"));
    }
  }

  /** One behaviour; throws {@link ProbeStream.Wrong} if it is not as it has to be. */
  @FunctionalInterface
  private interface Step {
    void run() throws IOException, InterruptedException;
  }

  private List<Probe> all() throws IOException {
    try (ProbeBed bed = new ProbeBed(image, cgroup, faults)) {
      ProbeSteps steps = new ProbeSteps(bed);
      if (tried("enrolment", Outcome.FAILED, steps::enrol)) {
        tried("order", Outcome.FAILED, steps::order);
        tried("blocked-reader", Outcome.FAILED, steps::blockedReader);
        tried("selector", Outcome.FAILED, steps::selector);
        tried("half-close", Outcome.FAILED, steps::halfClose);
        tried("back-pressure", Outcome.FAILED, steps::backPressure);
        tried("available", Outcome.FAILED, steps::available);
        tried("fionread", Outcome.OFF, steps::fionread);
        tried("un-enrolment", Outcome.FAILED, steps::unenrol);
      }
    }
    return List.copyOf(found);
  }

  private boolean tried(String name, Outcome ifWrong, Step step) throws IOException {
    try {
      step.run();
      found.add(new Probe(name, Outcome.OK, ""));
      return true;
    } catch (UnavailableException e) {
      throw e; // it is this JVM that lacks something
    } catch (IOException e) {
      // A refused system call is as wrong as a wrong byte.
      found.add(new Probe(name, ifWrong, e.getMessage()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      found.add(new Probe(name, ifWrong, "it was interrupted"));
    }
    return false;
  }
}
