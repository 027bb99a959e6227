// A process that is no JVM and is not accelerated: loops over the system calls that the helper's
// cgroup and sock_ops programs are called for, and over those that a sockmap could be in the way of.
// One thread and no switch of context, so that what a program adds to a call is not drowned.
//
// A line "<loop> <milliseconds>" on standard input is answered by "<picoseconds a turn> <turns>".

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MESSAGE = 1024, BACKLOG = 16, BETWEEN_LOOKS = 16 };

static int listener;
static struct sockaddr_in address;

// Both ends of a connection.
static int near_end, far_end;

static void fail(const char *call)
{
	fprintf(stderr, "%s: %s\n", call, strerror(errno));
	exit(1);
}

static long long now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static int new_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0)
		fail("socket");
	return fd;
}

static void listen_on_loopback(void)
{
	socklen_t length = sizeof(address);
	listener = new_socket();
	address.sin_family = AF_INET;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, BACKLOG) ||
	    getsockname(listener, (struct sockaddr *)&address, &length))
		fail("listen");
}

// The backlog holds the connection until it is accepted, so one thread can be both ends.
static void join(void)
{
	near_end = new_socket();
	if (connect(near_end, (struct sockaddr *)&address, sizeof(address)))
		fail("connect");
	far_end = accept(listener, NULL, NULL);
	if (far_end < 0)
		fail("accept");
}

// The accepting end closes first: its port is the listener's, so TIME_WAIT never is in the way.
static void part(void)
{
	close(far_end);
	close(near_end);
}

static void turn_socket(void)
{
	close(new_socket());
}

static void turn_options(void)
{
	int value = 1;
	socklen_t length = sizeof(value);
	if (setsockopt(near_end, IPPROTO_TCP, TCP_NODELAY, &value, sizeof(value)) ||
	    getsockopt(near_end, IPPROTO_TCP, TCP_NODELAY, &value, &length))
		fail("socket option");
}

static void turn_connect(void)
{
	join();
	part();
}

static void carry(int from, int to)
{
	static char message[MESSAGE];
	if (send(from, message, MESSAGE, 0) != MESSAGE)
		fail("send");
	if (recv(to, message, MESSAGE, MSG_WAITALL) != MESSAGE)
		fail("recv");
}

static void turn_exchange(void)
{
	carry(near_end, far_end);
	carry(far_end, near_end);
}

static const struct loop {
	const char *name;
	void (*turn)(void);
	int joined; // wants a connection that is there
} loops[] = {
	{ "socket", turn_socket, 0 },
	{ "options", turn_options, 1 },
	{ "connect", turn_connect, 0 },
	{ "exchange", turn_exchange, 1 },
};

static void measure(const struct loop *loop, long long millis)
{
	long long turns = 0, begin, end;
	// A connection of its own for each round: made while the helper is as it is in that round.
	if (loop->joined)
		join();
	begin = now();
	do {
		for (int i = 0; i < BETWEEN_LOOKS; i++)
			loop->turn();
		turns += BETWEEN_LOOKS;
		end = now();
	} while (end - begin < millis * 1000000);
	if (loop->joined)
		part();
	printf("%lld %lld\n", (end - begin) * 1000 / turns, turns);
	fflush(stdout);
}

int main(void)
{
	char name[32];
	long long millis;

	listen_on_loopback();
	while (scanf("%31s %lld", name, &millis) == 2) {
		size_t i = 0;
		while (i < sizeof(loops) / sizeof(*loops) && strcmp(loops[i].name, name))
			i++;
		if (i == sizeof(loops) / sizeof(*loops)) {
			fprintf(stderr, "no loop %s\n", name);
			return 2;
		}
		measure(&loops[i], millis);
	}
	return 0;
}
