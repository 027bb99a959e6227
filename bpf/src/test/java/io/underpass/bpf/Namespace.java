/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf;

import io.underpass.ffm.NetNamespace;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** A network namespace of its own, with nothing but loopback. */
final class Namespace implements AutoCloseable {
  private static final AtomicInteger NUMBER = new AtomicInteger();

  final String name =
      "underpass-" + ProcessHandle.current().pid() + "-b" + NUMBER.incrementAndGet();

  Namespace() throws IOException, InterruptedException {
    run("ip", "netns", "add", name);
    run("ip", "-n", name, "link", "set", "lo", "up");
  }

  /** A command in front of another, which then runs in the namespace. */
  List<String> prefix() {
    return List.of("ip", "netns", "exec", name);
  }

  /** For work of this process in it. */
  NetNamespace open() throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(prefix());
    command.addAll(List.of("sh", "-c", "echo inside; exec sleep 60"));
    Process inside = new ProcessBuilder(command).start();
    try {
      inside.inputReader().readLine(); // from here on it is
      return NetNamespace.ofProcess(inside.pid());
    } finally {
      inside.destroyForcibly().waitFor();
    }
  }

  /** Sets one of the namespace's own sysctls. */
  void set(String sysctl, int value) throws IOException, InterruptedException {
    String write = "echo " + value + " > /proc/sys/" + sysctl;
    run("ip", "netns", "exec", name, "sh", "-c", write);
  }

  /** Whatever is sent from now on is dropped. */
  void hold() throws IOException, InterruptedException {
    run("tc", "-n", name, "qdisc", "add", "dev", "lo", "root", "pfifo", "limit", "0");
  }

  /** Takes {@link #hold} back. */
  void release() throws IOException, InterruptedException {
    run("tc", "-n", name, "qdisc", "del", "dev", "lo", "root");
  }

  @Override
  public void close() throws IOException {
    try {
      run("ip", "netns", "del", name);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Removes those of a test that was killed. */
  static void removeOrphans() throws IOException, InterruptedException {
    for (String line : run("ip", "netns", "list")) {
      String name = line.split(" ", -1)[0];
      if (name.startsWith("underpass-")
          && ProcessHandle.of(Long.parseLong(name.split("-", -1)[1])).isEmpty()) {
        run("ip", "netns", "del", name);
      }
    }
  }

  /** Runs a command that must succeed; returns what it prints. */
  static List<String> run(String... command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    List<String> out = new ArrayList<>(process.inputReader().readAllLines());
    if (process.waitFor() != 0) {
      throw new IOException(String.join(" ", command) + ": " + out);
    }
    return out;
  }
}
