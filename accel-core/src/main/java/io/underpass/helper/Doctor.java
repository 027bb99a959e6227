/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.helper;

import io.underpass.ffm.LibBpf;
import io.underpass.ffm.RefusedKind;
import io.underpass.ffm.UnavailableException;
import io.underpass.host.Bpffs;
import io.underpass.host.CgroupMount;
import io.underpass.host.HeldPrivileges;
import io.underpass.host.HelperException;
import io.underpass.host.MountInfo;
import io.underpass.host.Privileges;
import io.underpass.kernel.LoadFailure;
import io.underpass.kernel.ProgramKinds;
import io.underpass.policy.Policy;
import io.underpass.protocol.HelperClient;
import io.underpass.protocol.HelperState;
import io.underpass.protocol.Probe;
import io.underpass.protocol.Status;
import io.underpass.protocol.WireException;
import io.underpass.service.DatapathSource;
import io.underpass.service.HelperConfig;
import java.io.IOException;
import java.net.SocketException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Looks at everything that acceleration depends on, with or without a helper, as root or not, and
 * changes nothing. What this user cannot see it says it cannot see.
 */
public final class Doctor {
  /** What one look has come to. */
  public enum Result {
    OK,
    WARN,
    FAIL
  }

  /**
   * One line of the list.
   *
   * @param reason what was seen
   * @param remedy what helps; empty if nothing has to
   */
  public record Finding(String name, Result result, String reason, String remedy) {}

  private static final Duration PATIENCE = Duration.ofSeconds(5);
  private static final Path BTF = Path.of("/sys/kernel/btf/vmlinux");
  private static final Path SECURITY = Path.of("/sys/kernel/security");
  private static final int JAVA = 25;
  private static final String AS_ROOT = "run it as root: sudo underpass doctor";
  private static final String START = "start it, as root: underpass helper";

  private final HelperConfig config;
  private final DatapathSource source;
  private final List<Finding> findings = new ArrayList<>();

  /** Null unless a helper answers. */
  private Status helper;

  private Doctor(HelperConfig config, DatapathSource source) {
    this.config = config;
    this.source = source;
  }

  /** Looks at all, for a helper that is started like this. */
  public static List<Finding> examine(HelperConfig config, DatapathSource source) {
    Doctor doctor = new Doctor(config, source);
    doctor.jdk();
    boolean privileged = doctor.privilege();
    doctor.btf();
    Path cgroup = doctor.cgroup();
    doctor.bpffs();
    doctor.files();
    doctor.lockdown();
    boolean libbpf = doctor.libbpf();
    doctor.policy();
    doctor.helper();
    doctor.helperPrivileges();
    doctor.kinds(privileged, libbpf);
    doctor.probes(privileged && libbpf ? cgroup : null);
    doctor.pins(privileged);
    return List.copyOf(doctor.findings);
  }

  private void add(String name, Result result, String reason, String remedy) {
    findings.add(new Finding(name, result, reason, result == Result.OK ? "" : remedy));
  }

  private void jdk() {
    int feature = Runtime.version().feature();
    add(
        "jdk",
        feature >= JAVA ? Result.OK : Result.FAIL,
        "this is Java " + feature,
        "install JDK " + JAVA + " or later, and set JAVA_HOME");
  }

  /** A user without privilege needs none, as long as a helper runs. */
  private boolean privilege() {
    try {
      Privileges.check();
      add("privilege", Result.OK, "this user may run the helper", "");
      return true;
    } catch (HelperException e) {
      add("privilege", Result.WARN, e.reason() + ": not all can be seen", AS_ROOT);
      return false;
    }
  }

  private void btf() {
    add(
        "btf",
        Files.isReadable(BTF) ? Result.OK : Result.FAIL,
        BTF + (Files.isReadable(BTF) ? " is there" : " is missing or unreadable"),
        "use a kernel with CONFIG_DEBUG_INFO_BTF");
  }

  private Path cgroup() {
    try {
      Path cgroup = CgroupMount.find();
      add("cgroup", Result.OK, "cgroup v2 is mounted at " + cgroup, "");
      return cgroup;
    } catch (HelperException e) {
      add("cgroup", Result.FAIL, e.reason(), e.remedy());
      return null;
    }
  }

  private void bpffs() {
    try {
      boolean mounted = Bpffs.isOnBpffs(config.bpffs().toAbsolutePath(), MountInfo.ofSelf());
      add(
          "bpffs",
          mounted ? Result.OK : Result.WARN,
          config.bpffs() + (mounted ? " is" : " is not") + " on a bpf file system",
          "mount -t bpf bpf /sys/fs/bpf; the helper tries to when it starts");
    } catch (HelperException e) {
      add("bpffs", Result.FAIL, e.reason(), e.remedy());
    }
  }

  /** What a helper would find of its folders, which it only uses if nobody else can change them. */
  private void files() {
    try {
      Bpffs.check(config.bpffs());
      ControlSocket.checkFolder(config.socket());
      add("files", Result.OK, "the folders of pins and socket are safe from other users", "");
    } catch (HelperException e) {
      add("files", Result.FAIL, e.reason(), e.remedy());
    }
  }

  /** The file names all modes, the one that holds in brackets. */
  private void lockdown() {
    try {
      String modes = Files.readString(SECURITY.resolve("lockdown")).strip();
      add(
          "lockdown",
          modes.contains("[confidentiality]") ? Result.FAIL : Result.OK,
          "lockdown: " + modes,
          "boot without lockdown=confidentiality");
    } catch (IOException e) {
      if (Files.isReadable(SECURITY.resolve("lsm"))) {
        add("lockdown", Result.OK, "this kernel has none", "");
      } else {
        add(
            "lockdown",
            Result.WARN,
            "it cannot be seen (" + e + ")",
            "mount -t securityfs securityfs " + SECURITY + "; the probes show it too");
      }
    }
  }

  private boolean libbpf() {
    Optional<UnavailableException> cause = LibBpf.unavailabilityCause();
    add(
        "libbpf",
        cause.isEmpty() ? Result.OK : Result.FAIL,
        cause.map(UnavailableException::reason).orElse("libbpf " + LibBpf.version()),
        cause.map(UnavailableException::remedy).orElse(""));
    return cause.isEmpty();
  }

  private void policy() {
    Path file = config.policyFile() == null ? Policy.DEFAULT_FILE : config.policyFile();
    if (Files.exists(file) && !Files.isReadable(file)) {
      add("policy", Result.WARN, file + " cannot be read by this user", AS_ROOT);
      return;
    }
    try {
      Policy policy = Policy.load(config.policyFile());
      String who =
          policy.reachesBeyondGroup()
              ? "others than root and the group " + Policy.GROUP + " are admitted"
              : "root and the group " + Policy.GROUP + " are admitted at the most";
      add("policy", Result.OK, (Files.exists(file) ? file + ": " : "no file: ") + who, "");
    } catch (IOException e) {
      HelperException known = e instanceof HelperException h ? h : new HelperException(e + "", "");
      add("policy", Result.FAIL, known.reason(), known.remedy());
    }
  }

  /** Over the socket for administration, if this user may use that. */
  private Status askHelper() throws IOException {
    Path admin = HelperConfig.adminSocketOf(config.socket());
    try (HelperClient client = HelperClient.connect(admin, PATIENCE)) {
      return client.status();
    } catch (SocketException | WireException e) {
      // Then as anybody may.
    }
    try (HelperClient client = HelperClient.connect(config.socket(), PATIENCE)) {
      return client.status();
    }
  }

  private void helper() {
    try {
      helper = askHelper();
      boolean running = helper.state() == HelperState.RUNNING;
      add(
          "helper",
          running ? Result.OK : Result.FAIL,
          "helper "
              + helper.helper()
              + ", pid "
              + helper.pid()
              + ", is "
              + helper.state().wireName()
              + (helper.reason().isEmpty() ? "" : ": " + helper.reason()),
          helper.state() == HelperState.REFUSED ? "run another kernel" : START);
    } catch (WireException e) {
      add(
          "helper",
          Result.WARN,
          config.socket() + " does not tell this user (" + e.getMessage() + ")",
          AS_ROOT);
    } catch (AccessDeniedException | SocketException e) {
      boolean denied = String.valueOf(e.getMessage()).contains("Permission denied");
      add(
          "helper",
          Result.FAIL,
          denied
              ? "this user may not open " + config.socket()
              : "there is no helper at " + config.socket() + " (" + e.getMessage() + ")",
          denied ? "join the group " + Policy.GROUP + ", or be allowed by the policy" : START);
    } catch (IOException e) {
      add("helper", Result.FAIL, config.socket() + " does not answer (" + e + ")", START);
    }
  }

  /** What the helper's process really has, in all of its threads. */
  private void helperPrivileges() {
    if (helper == null) {
      return;
    }
    try {
      HeldPrivileges held = HeldPrivileges.of(Long.toString(helper.pid()));
      List<String> remarks = Privileges.remarks(held);
      add(
          "helper privileges",
          remarks.isEmpty() ? Result.OK : Result.WARN,
          remarks.isEmpty()
              ? "user " + held.uid() + ", with what it needs and no more"
              : String.join("; ", remarks),
          Privileges.REMEDY);
    } catch (IOException e) {
      add("helper privileges", Result.WARN, "they cannot be seen (" + e + ")", AS_ROOT);
    }
  }

  /**
   * Whether the kernel takes each kind of programs at all; libbpf's row says if that is missing.
   */
  private void kinds(boolean privileged, boolean libbpf) {
    if (!privileged) {
      boolean loaded = helper != null;
      add(
          "kinds",
          loaded ? Result.OK : Result.WARN,
          loaded
              ? "the helper has loaded what acceleration needs"
              : "kinds of programs cannot be tried without privilege",
          AS_ROOT);
    } else if (libbpf) {
      try {
        findings.add(ofKinds(ProgramKinds.refused()));
      } catch (IOException e) {
        HelperException known = Helper.asHelperException(e);
        add("kinds", Result.FAIL, known.reason(), known.remedy());
      }
    }
  }

  /** Its own, so that a test can say what is refused. */
  static Finding ofKinds(List<RefusedKind> refused) {
    if (refused.isEmpty()) {
      return new Finding("kinds", Result.OK, "the kernel takes programs of every kind", "");
    }
    String remedy = LoadFailure.ofKinds(refused, null).remedy();
    boolean needed = ProgramKinds.areNeeded(refused);
    return new Finding(
        "kinds",
        needed ? Result.FAIL : Result.WARN,
        "refused: " + ProgramKinds.describe(refused),
        needed ? remedy : "none needed without port groups; for them, " + remedy);
  }

  /** The running helper's, or, without one, made now. */
  private void probes(Path cgroup) {
    List<Probe> probes = helper == null ? List.of() : helper.probes();
    if (helper == null && cgroup != null) {
      try {
        probes = source.probe(cgroup);
      } catch (IOException e) {
        HelperException known = Helper.asHelperException(e);
        add("probe", Result.FAIL, known.reason(), known.remedy());
      }
    } else if (helper == null) {
      add("probe", Result.WARN, "the kernel cannot be tried without privilege", AS_ROOT);
    }
    for (Probe probe : probes) {
      Result result =
          switch (probe.outcome()) {
            case OK -> Result.OK;
            case OFF -> Result.WARN;
            case FAILED -> Result.FAIL;
          };
      add(
          "probe " + probe.name(),
          result,
          probe.verdict(),
          result == Result.FAIL ? "run another kernel" : "none needed: the agent does without");
    }
  }

  private void pins(boolean privileged) {
    if (!privileged && helper == null) {
      add("pins", Result.WARN, config.bpffs() + " cannot be seen by this user", AS_ROOT);
    } else if (helper != null) {
      add("pins", Result.OK, "the helper's, in " + helper.bpffs(), "");
    } else {
      leftPins();
    }
  }

  private void leftPins() {
    try {
      boolean left = source.isLeft(config.bpffs()) || !source.foreignLeft(config.bpffs()).isEmpty();
      add(
          "pins",
          left ? Result.WARN : Result.OK,
          left
              ? "a helper that is gone left its maps and programs in " + config.bpffs()
              : "nothing is left over",
          "start the helper, which adopts them, or remove them: underpass drain");
    } catch (IOException e) {
      HelperException known = Helper.asHelperException(e);
      add("pins", Result.FAIL, known.reason(), known.remedy());
    }
  }
}
