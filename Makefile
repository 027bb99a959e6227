# The commands of a working day:
#
#   make demo               set-up, build, then two JVMs talk over loopback without and with Underpass
#   make sample-ports       two unmodified web servers of one host, both on port 8080
#   make test               set-up, then every test of every module
#   make bench SUITE=rtt    a benchmark suite (rtt, stream, connect, grid, ...); all of them without SUITE
#   make soak SCHEDULES=1000000
#                           random schedules against a model of TCP; also MINUTES=30, SEED=..., FAULTS=1, PLAIN=1 (docs/testing.md)
#   make fuzz FRAMES=1000000
#                           frames that no client should send, to a helper; also SEED=... (docs/testing.md)
#   make emulate KERNEL=6.1 TEST=LoadTest,LeavingTest
#                           test classes on a kernel of Debian's, 6.1 or 6.12, in an emulator; or RUN="bin/underpass doctor" (docs/testing.md)
#   make build              the jars: accel-core/target/accel-core.jar and javaagent/target/underpass.jar; man pages, completion
#   make install PREFIX=/usr/local
#                           what was built: the command, the agent, man pages, completion, units for systemd; also DESTDIR=...
#   make uninstall          removes what was installed there, with the same PREFIX and DESTDIR
#   make format             formats the Java sources as the build demands it
#   make clean              removes what was built
#
# ARGS="..." is handed on to the demo's or the benchmark's own command line (ARGS=--help says what there is):
#   make bench SUITE=grid ARGS="--only stream --size 65536 --cores 1 --rounds 7"

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory

# Lazy, so that a missing JDK is reported once, by `setup`.
JAVA_HOME_FOUND = $(shell bin/underpass jdk 2>/dev/null)
MVN = JAVA_HOME="$(JAVA_HOME_FOUND)" mvn --batch-mode -Dstyle.color=never -Dorg.slf4j.simpleLogger.defaultLogLevel=warn \
  -Dorg.slf4j.simpleLogger.log.org.apache.maven.plugins.jar=error -Dorg.slf4j.simpleLogger.log.org.apache.maven.plugins.shade=error \
  -Dorg.slf4j.simpleLogger.log.org.apache.maven.plugins.dependency=error
# JMH still uses sun.misc.Unsafe, and the JDK warns of it.
SAMPLES = "$(JAVA_HOME_FOUND)/bin/java" --sun-misc-unsafe-memory-access=allow -cp "samples/target/underpass-samples.jar:samples/target/lib/*"

PREFIX ?= /usr/local

.DEFAULT_GOAL := build
.PHONY: setup build install uninstall demo sample-ports test soak fuzz emulate bench clean format

# Silent where everything is there. What it looks for is the tool or the file, not the package, so that a
# clang of another origin is as good. No `grep -q` behind a pipe: it ends the writer by SIGPIPE, which pipefail takes for
# "not there". The JDK cannot come from Debian 12, so bin/underpass only names it.
setup:
	@missing=; \
	want() { missing="$$missing $$1"; }; \
	command -v clang >/dev/null || want clang; \
	command -v llvm-strip >/dev/null || want llvm; \
	command -v gcc >/dev/null || want gcc; \
	command -v mvn >/dev/null || want maven; \
	command -v ip >/dev/null || want iproute2; \
	command -v nft >/dev/null || [ -x /usr/sbin/nft ] || want nftables; \
	command -v setpriv >/dev/null && command -v taskset >/dev/null || want util-linux; \
	[ -r /usr/include/bpf/bpf_helpers.h ] || want libbpf-dev; \
	[ -r /usr/include/linux/bpf.h ] || want linux-libc-dev; \
	ldconfig=$$(command -v ldconfig || echo /sbin/ldconfig); \
	$$ldconfig -p | grep 'libbpf\.so\.1 ' >/dev/null || want libbpf1; \
	if [ -n "$$missing" ]; then \
	  if ! command -v apt-get >/dev/null; then \
	    echo "setup: missing:$$missing (Debian's package names), and there is no apt-get here: install them by hand" >&2; exit 1; fi; \
	  if [ "$$(id -u)" != 0 ]; then \
	    echo "setup: missing:$$missing: run as root: apt-get install --yes$$missing" >&2; exit 1; fi; \
	  echo "setup: installing$$missing"; \
	  log=$$(mktemp); \
	  if ! { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends $$missing; } >$$log 2>&1; then \
	    echo "setup: could not install$$missing: $$(grep -m1 '^E: ' $$log || tail -n1 $$log)" >&2; rm -f $$log; exit 1; fi; \
	  rm -f $$log; \
	fi
	@bin/underpass jdk >/dev/null
	@if [ "$$(id -u)" = 0 ] && ! grep -q ' /sys/fs/bpf bpf ' /proc/mounts; then \
	  mount -t bpf bpf /sys/fs/bpf 2>/dev/null || \
	    echo "setup: cannot mount a BPF file system at /sys/fs/bpf: the helper will not start here" >&2; fi

build: setup
	@$(MVN) -DskipTests package

# These do not build: root installs what an ordinary user has built.
install uninstall:
	@PREFIX="$(PREFIX)" DESTDIR="$(DESTDIR)" dist/install $@

demo: build
	@$(SAMPLES) io.underpass.samples.demo.Demo $(ARGS)

sample-ports: build
	@$(SAMPLES) io.underpass.samples.ports.PortsSample $(ARGS)

bench: build
	@$(SAMPLES) io.underpass.samples.bench.Bench $(SUITE) $(ARGS)

# Maven's own lines are left out; warnings, failures and the closing lines of Surefire and Failsafe stay.
test: setup
	@$(MVN) -Dorg.slf4j.simpleLogger.log.org.apache.maven.plugin.surefire=info \
	  -Dorg.slf4j.simpleLogger.log.org.apache.maven.plugin.failsafe=info verify

soak: build
	@"$(JAVA_HOME_FOUND)/bin/java" --enable-native-access=ALL-UNNAMED --add-opens=java.base/sun.nio.ch=ALL-UNNAMED \
	  -cp "bpf/target/test-classes:$$(cat bpf/target/test.classpath)" io.underpass.bpf.soak.Soak \
	  SCHEDULES=$(SCHEDULES) MINUTES=$(MINUTES) SEED=$(SEED) PLAIN=$(PLAIN) FAULTS=$(FAULTS)

fuzz: build
	@"$(JAVA_HOME_FOUND)/bin/java" --enable-native-access=ALL-UNNAMED --add-opens=java.base/sun.nio.ch=ALL-UNNAMED \
	  -cp "bpf/target/test-classes:$$(cat bpf/target/test.classpath)" io.underpass.bpf.fuzz.Fuzz FRAMES=$(FRAMES) SEED=$(SEED)

# The build first, since it would take an hour in there.
emulate: setup
	@$(MVN) -Pemulate -DskipTests package dependency:build-classpath -Dmdep.outputFile=target/emulate.classpath
	@bpf/emulator/run $(or $(KERNEL),6.12) $(or $(RUN),bpf/emulator/junit $(TEST))

clean: setup
	@$(MVN) clean

format: setup
	@$(MVN) spotless:apply
