/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.ffm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.underpass.testing.KernelTest;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The bindings against the kernel, with an object that has one of each thing. */
@KernelTest
class LoadTest {
  @TempDir private Path folder;
  private Path pins;
  private BpfObject object;

  @BeforeEach
  void openObject() throws Exception {
    pins = Files.createDirectory(folder.resolve("pins"));
    BpfMount.mount(pins);
    object = BpfObject.open(Compiler.bpf(folder), "bindings");
  }

  @AfterEach
  void unmount() throws Exception {
    object.close();
    assertEquals(0, new ProcessBuilder("umount", pins.toString()).start().waitFor());
  }

  @Test
  void theProgramsThatALoadLoadsAreListedWithTheirKinds() throws Exception {
    assertEquals(
        List.of("cgroup/sock_create", "sk_msg", "iter/tcp", "iter/task_file"),
        object.programs().stream().map(ProgramSpec::kind).toList());
    object.skipProgram("ports");
    object.load();
    assertEquals(
        List.of("on_create", "pass", "files"),
        object.programs().stream().map(ProgramSpec::name).toList());
  }

  @Test
  void aMapKeepsWhatIsPutIn() throws Exception {
    object.setMaxEntries("table", 2);
    object.load();
    BpfMap table = object.map("table");
    assertEquals(2, table.maxEntries());
    ByteBuffer key = table.newKey().putInt(0, 7);
    ByteBuffer value = table.newValue().putLong(0, 99);

    assertTrue(table.update(key, value, BpfMap.NO_EXIST));
    assertFalse(table.update(key, value, BpfMap.NO_EXIST), "it is there already");
    ByteBuffer read = table.newValue();
    assertTrue(table.lookup(key, read));
    assertEquals(99, read.getLong(0));
    ByteBuffer next = table.newKey();
    assertTrue(table.nextKey(null, next));
    assertEquals(7, next.getInt(0));
    assertFalse(table.nextKey(next, next), "there is one key only");
    assertTrue(table.delete(key));
    assertFalse(table.lookup(key, read));
    assertFalse(table.delete(key));
  }

  @Test
  void aFullMapSaysSo() throws Exception {
    object.setMaxEntries("table", 1);
    object.load();
    BpfMap table = object.map("table");
    ByteBuffer key = table.newKey();
    table.update(key, table.newValue(), BpfMap.ANY);

    NativeException full =
        assertThrows(
            NativeException.class,
            () -> table.update(key.putInt(0, 1), table.newValue(), BpfMap.ANY));
    assertEquals(Errno.E2BIG, full.errno());
    assertTrue(full.getMessage().startsWith("bpf_map_update_elem table: E2BIG"), full.getMessage());
  }

  @Test
  void aPinnedMapIsAdoptedByTheNextObject() throws Exception {
    object.setPinPath("table", pins.resolve("table"));
    object.load();
    BpfMap table = object.map("table");
    table.update(table.newKey().putInt(0, 1), table.newValue().putLong(0, 2), BpfMap.ANY);
    object.close();

    try (BpfObject next = BpfObject.open(Compiler.bpf(folder), "bindings")) {
      next.setPinPath("table", pins.resolve("table"));
      next.load();
      BpfMap adopted = next.map("table");
      ByteBuffer value = adopted.newValue();
      assertTrue(adopted.lookup(adopted.newKey().putInt(0, 1), value));
      assertEquals(2, value.getLong(0));
      try (BpfMap byPath = BpfMap.openPinned(pins.resolve("table"))) {
        assertEquals(adopted.id(), byPath.id());
      }
    }
  }

  @Test
  void whatIsNotPinnedIsNotFound() {
    Path nothing = pins.resolve("nothing");
    NativeException e =
        assertThrows(NativeException.class, () -> BpfMap.openPinned(nothing).close());
    assertEquals(Errno.ENOENT, e.errno());
  }

  @Test
  void anAttachedProgramRunsAndTellsThroughTheRingBuffer() throws Exception {
    object.setKnob("wide", 0x1122334455667788L);
    object.setKnob("narrow", 200);
    object.load();
    List<Long> events = new ArrayList<>();
    try (RingBuffer ring =
        new RingBuffer(
            object.map("events"),
            record -> {
              events.add(record.getLong());
              events.add(record.getLong());
            })) {
      try (BpfLink link = object.program("on_create").attachCgroup(cgroup())) {
        assertEquals(object.program("on_create").id(), link.programId());
        new ServerSocket(0).close();
        assertTrue(ring.await(-1) >= 1);
      }
      // Other processes of the host make sockets too. Detached, the program tells no more.
      while (ring.await(0) > 0) {}
      ring.wake();
      assertEquals(0, ring.await(-1));
    }
    assertEquals(List.of(0x1122334455667788L, 200L), events.subList(0, 2));
    BpfMap counts = object.map("counts");
    ByteBuffer perCpu = counts.newValue();
    counts.lookup(counts.newKey(), perCpu);
    int sum = 0;
    for (int at = 0; at < counts.valueBytes(); at += Long.BYTES) {
      sum += perCpu.getInt(at);
    }
    assertEquals(events.size() / 2, sum);
  }

  @Test
  void aPinnedLinkOutlivesItsDescriptorAndTakesAnotherProgram() throws Exception {
    object.load();
    Path pin = pins.resolve("link");
    try (BpfLink link = object.program("on_create").attachCgroup(cgroup())) {
      link.pin(pin);
    }
    int first = object.program("on_create").id();
    try (BpfObject next = BpfObject.open(Compiler.bpf(folder), "bindings");
        BpfLink found = BpfLink.openPinned(pin)) {
      assertEquals(first, found.programId());
      next.load();
      found.update(next.program("on_create"));
      assertEquals(next.program("on_create").id(), found.programId());
    }
    Files.delete(pin);
  }

  @Test
  void aVerdictGoesToASockmapAndToNoOtherMap() throws Exception {
    object.load();
    BpfProgram pass = object.program("pass");
    pass.attachVerdict(object.map("sockets"));
    pass.attachVerdict(object.map("sockets")); // in the place of itself
    NativeException e =
        assertThrows(NativeException.class, () -> pass.attachVerdict(object.map("table")));
    assertEquals(Errno.EOPNOTSUPP, e.errno());
  }

  @Test
  void anIteratorSeesTheSocketsOfTheThreadsNamespace() throws Exception {
    object.load();
    Process elsewhere = new ProcessBuilder("unshare", "--net", "sleep", "60").start();
    try (ServerSocket listener = new ServerSocket(0);
        BpfIterator ports = object.program("ports").attachIterator()) {
      awaitOtherNamespace(elsewhere);
      try (NetNamespace namespace = NetNamespace.ofProcess(elsewhere.pid())) {
        assertTrue(ints(ports.run(), 4).contains(listener.getLocalPort()));
        assertEquals(Set.of(), namespace.run(() -> ints(ports.run(), 4)));
        assertTrue(ints(ports.run(), 4).contains(listener.getLocalPort()), "back at home");
      }
    } finally {
      elsewhere.destroyForcibly().waitFor();
    }
  }

  @Test
  void aFailureInsideANamespaceStillLeadsHome() throws Exception {
    Path home = Files.readSymbolicLink(Path.of("/proc/thread-self/ns/net"));
    Process elsewhere = new ProcessBuilder("unshare", "--net", "sleep", "60").start();
    awaitOtherNamespace(elsewhere);
    try (NetNamespace namespace = NetNamespace.ofProcess(elsewhere.pid())) {
      assertThrows(
          IOException.class,
          () ->
              namespace.run(
                  () -> {
                    throw new IOException("on purpose");
                  }));
      assertEquals(home, Files.readSymbolicLink(Path.of("/proc/thread-self/ns/net")));
    } finally {
      elsewhere.destroyForcibly().waitFor();
    }
  }

  @Test
  void aLongIteratorIsReadWhole() throws Exception {
    object.load();
    List<Socket> open = new ArrayList<>();
    try (BpfIterator files =
        object.program("files").attachTaskIterator((int) ProcessHandle.current().pid())) {
      for (int i = 0; i < 300; i++) {
        open.add(new Socket());
        open.getLast().setTcpNoDelay(true); // makes the descriptor
      }
      Set<Integer> whole = ints(files.run(), 256);
      Set<Integer> pieces = new HashSet<>();
      int[] count = {0};
      files.run(
          piece -> {
            count[0]++;
            pieces.addAll(ints(piece, 256));
          });
      assertTrue(whole.size() >= 300, () -> whole.size() + " descriptors");
      assertEquals(whole, pieces);
      assertTrue(count[0] > 1, "this needs more than one read");
    } finally {
      for (Socket socket : open) {
        socket.close();
      }
    }
  }

  @Test
  void theVerifiersLastWordsAreQuoted() throws Exception {
    try (BpfObject bad = BpfObject.open(Compiler.bpf(folder, "-DREFUSED"), "bindings")) {
      NativeException e = assertThrows(NativeException.class, bad::load);
      assertEquals(Errno.EACCES, e.errno());
      assertTrue(e.detail().contains("invalid mem access 'scalar'"), e.detail());
      assertFalse(e.detail().contains("\n"));
    }
  }

  @Test
  void bytesThatAreNoObjectAreRefused() {
    NativeException e =
        assertThrows(
            NativeException.class, () -> BpfObject.open(new byte[] {1, 2, 3}, "x").close());
    assertTrue(e.detail().contains("not a proper ELF object"), e.detail());
  }

  @Test
  void namesThatTheObjectLacksAreMistakes() {
    assertThrows(IllegalArgumentException.class, () -> object.setKnob("no_such", 1));
    assertThrows(IllegalArgumentException.class, () -> object.setMaxEntries("no_such", 1));
    assertThrows(IllegalArgumentException.class, () -> object.skipProgram("no_such"));
  }

  private static Path cgroup() throws Exception {
    for (String line : Files.readAllLines(Path.of("/proc/self/mountinfo"))) {
      if (line.contains(" - cgroup2 ")) {
        return Path.of(line.split(" ", -1)[4]);
      }
    }
    throw new AssertionError("no cgroup v2");
  }

  private static void awaitOtherNamespace(Process process) throws Exception {
    Path own = Files.readSymbolicLink(Path.of("/proc/self/ns/net"));
    Path other = Path.of("/proc/" + process.pid() + "/ns/net");
    while (Files.readSymbolicLink(other).equals(own)) {
      Thread.sleep(5);
    }
  }

  private static Set<Integer> ints(ByteBuffer rows, int stride) {
    int[] values = new int[rows.remaining() / stride];
    Arrays.setAll(values, i -> rows.getInt(i * stride));
    Set<Integer> set = new HashSet<>();
    for (int value : values) {
      set.add(value);
    }
    return set;
  }
}
