// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What a tenant without privilege may try against others. Says a line for each thing that it did, and waits for a line
 * where that matters.
 *
 * tenant exec <socket> <group> <program>      a member binds, and then runs a program in its own place: "tenant bind
 * ..." tenant left <socket> <group> <program>      runs the program first; a child that it has left the connection
 * registers it then tenant bind                                 binds 127.0.0.1:7872, and connects to 7871 tenant
 * wander tcp|udp <port>                connects to a port of 127.0.0.1 from a thread that has left the socket's network
 * tenant wandering-member <socket> <group>    a member that binds 127.0.0.1:7871 by a socket of the network that it has
 * left tenant fill <socket> <group>                a member that binds as many ports as it gets
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void check(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		exit(1);
	}
}

static void await_line(void)
{
	char c;

	while (read(0, &c, 1) == 1 && c != '\n')
		;
}

static struct sockaddr_in localhost(int port)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(port)};

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return addr;
}

static int new_socket(int type)
{
	int fd = socket(AF_INET, type, 0);

	check(fd >= 0, "socket");
	return fd;
}

static int port_of(int fd)
{
	struct sockaddr_in addr;
	socklen_t length = sizeof(addr);

	check(!getsockname(fd, (struct sockaddr *)&addr, &length), "getsockname");
	return ntohs(addr.sin_port);
}

static int try_bind(int fd, int port)
{
	struct sockaddr_in addr = localhost(port);

	return bind(fd, (struct sockaddr *)&addr, sizeof(addr));
}

static int try_connect(int fd, int port)
{
	struct sockaddr_in addr = localhost(port);

	return connect(fd, (struct sockaddr *)&addr, sizeof(addr));
}

static int listener(int fd, int port)
{
	check(!try_bind(fd, port), "bind");
	check(!listen(fd, 5), "listen");
	return fd;
}

/* A connection that programs run in its place, and children, have too. */
static int connection(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strncpy(addr.sun_path, path, sizeof(addr.sun_path) - 1);
	check(!connect(fd, (struct sockaddr *)&addr, sizeof(addr)), "connect");
	return fd;
}

/* The first word of the answer, or the code of the error. */
static const char *join_group(int fd, const char *group)
{
	static char text[1024];
	ssize_t length;

	length = snprintf(text, sizeof(text), "REGISTER proto=1 agent=c enabled=on group=%s ports=1024-65535\n", group);
	check(write(fd, text, length) == length, "write");
	length = read(fd, text, sizeof(text) - 1);
	check(length > 0, "read");
	text[length] = 0;
	text[strcspn(text, "\n")] = 0;
	return text;
}

static void be_member(int fd, const char *group)
{
	const char *answer = join_group(fd, group);

	check(!strncmp(answer, "OK ", 3), answer);
}

/* In a user namespace, as everybody may. */
static void leave_network(void)
{
	check(!unshare(CLONE_NEWUSER | CLONE_NEWNET), "unshare");
}

/* What a program does that was run in a member's place. */
static int bind_and_connect(void)
{
	int fd;

	printf("runs as %d\n", geteuid());
	await_line();
	fd = listener(new_socket(SOCK_STREAM), 7872);
	printf("bound %d\n", port_of(fd));
	errno = 0;
	try_connect(new_socket(SOCK_STREAM), 7871);
	printf("connect: %s\n", strerror(errno));
	await_line();
	return 0;
}

static int run_instead(char **argv)
{
	int fd = connection(argv[2]);

	be_member(fd, argv[3]);
	printf("member sees %d\n", port_of(listener(new_socket(SOCK_STREAM), 7871)));
	await_line();
	execl(argv[4], argv[4], "bind", (char *)0);
	check(0, "execl");
	return 1;
}

static int leave_connection(char **argv)
{
	int fd = connection(argv[2]), ready[2];
	char c;

	check(!pipe2(ready, O_CLOEXEC), "pipe2");
	if (!fork()) {
		close(ready[1]);
		check(!read(ready[0], &c, 1), "read"); /* closed when the program runs */
		printf("%s\n", join_group(fd, argv[3]));
		return 0;
	}
	execl(argv[4], argv[4], "bind", (char *)0);
	check(0, "execl");
	return 1;
}

static int wander(char **argv)
{
	int udp = !strcmp(argv[2], "udp"), fd = new_socket(udp ? SOCK_DGRAM : SOCK_STREAM);

	leave_network();
	errno = 0;
	try_connect(fd, atoi(argv[3]));
	printf("connect: %s\n", strerror(errno));
	return 0;
}

static void wandering_member(char **argv)
{
	int fd = connection(argv[2]), sock = new_socket(SOCK_STREAM);

	be_member(fd, argv[3]);
	leave_network();
	listener(sock, 7871);
	printf("member sees %d\n", port_of(sock));
	while (1) {
		int accepted = accept(sock, 0, 0);

		check(accepted >= 0, "accept");
		dprintf(accepted, "wanderer at %d\n", port_of(sock));
		close(accepted);
	}
}

static int fill(char **argv)
{
	struct rlimit limit;
	int count = 0;

	check(!getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
	limit.rlim_cur = limit.rlim_max;
	check(!setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
	be_member(connection(argv[2]), argv[3]);
	while (count < 20000 && !try_bind(new_socket(SOCK_STREAM), 10000 + count))
		count++;
	printf("bound %d: %s\n", count, strerror(errno));
	await_line();
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	setvbuf(stdout, 0, _IONBF, 0);
	if (!strcmp(what, "exec") && argc == 5)
		return run_instead(argv);
	if (!strcmp(what, "left") && argc == 5)
		return leave_connection(argv);
	if (!strcmp(what, "bind"))
		return bind_and_connect();
	if (!strcmp(what, "wander") && argc == 4)
		return wander(argv);
	if (!strcmp(what, "wandering-member") && argc == 4)
		wandering_member(argv); /* until it is ended */
	if (!strcmp(what, "fill") && argc == 4)
		return fill(argv);
	check(0, "arguments");
	return 1;
}
