/*
 * Two processes wake each other through a pair of eventfds: what a round trip costs when nothing is carried and
 * only the scheduler works. The benchmark's floor.
 *
 * usage: eventfd_pingpong CLIENT_CPU SERVER_CPU
 * Each line "MILLIS" on standard input is one round; the answer is one line: median and 99th percentile of a
 * round trip in nanoseconds, and their number. Ends with standard input.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

/* Past this many round trips a round keeps running, and their times are no longer kept. */
#define MAX_SAMPLES (1 << 21)

static uint32_t samples[MAX_SAMPLES];

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void pin(const char *cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(atoi(cpu), &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("sched_setaffinity");
}

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static void ring(int fd)
{
	uint64_t one = 1;

	if (write(fd, &one, sizeof(one)) != sizeof(one))
		die("write");
}

static void wait_for(int fd)
{
	uint64_t count;

	if (read(fd, &count, sizeof(count)) != sizeof(count))
		die("read");
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	int there, back;
	pid_t child;
	char line[64];

	if (argc != 3) {
		fprintf(stderr, "usage: eventfd_pingpong CLIENT_CPU SERVER_CPU\n");
		return 2;
	}
	there = eventfd(0, 0);
	back = eventfd(0, 0);
	if (there < 0 || back < 0)
		die("eventfd");
	child = fork();
	if (child < 0)
		die("fork");
	if (child == 0) {
		/* Whatever ends the parent ends this half too. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pin(argv[2]);
		for (;;) {
			wait_for(there);
			ring(back);
		}
	}
	pin(argv[1]);
	while (fgets(line, sizeof(line), stdin)) {
		uint64_t begin = now(), end = begin + atol(line) * 1000000ull;
		size_t n = 0, kept;

		while (begin < end) {
			uint64_t done;

			ring(there);
			wait_for(back);
			done = now();
			if (n < MAX_SAMPLES)
				samples[n] = done - begin;
			n++;
			begin = done;
		}
		kept = n < MAX_SAMPLES ? n : MAX_SAMPLES;
		qsort(samples, kept, sizeof(samples[0]), by_value);
		printf("%u %u %zu\n", samples[kept / 2], samples[kept * 99 / 100], n);
		fflush(stdout);
	}
	kill(child, SIGKILL);
	return 0;
}
