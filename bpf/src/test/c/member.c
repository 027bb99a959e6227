// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * member <helper's socket> <group>: joins the group, listens on 127.0.0.1:7871, leaves that socket to a child, and ends
 * with its input. The child binds 7872 itself, runs another program (this one, with another name) in its place, and
 * that one answers who connects to what it has inherited. A JVM gives its descriptors to no child, so it takes C.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

static int port_of(int fd)
{
	struct sockaddr_in addr;
	socklen_t length = sizeof(addr);

	check(!getsockname(fd, (struct sockaddr *)&addr, &length), "getsockname");
	return ntohs(addr.sin_port);
}

static int listener(int port)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	check(fd >= 0, "socket");
	check(!bind(fd, (struct sockaddr *)&addr, sizeof(addr)), "bind");
	check(!listen(fd, 5), "listen");
	return fd;
}

static void join_group(const char *path, const char *group)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char text[1024];
	ssize_t length;

	strncpy(addr.sun_path, path, sizeof(addr.sun_path) - 1);
	check(!connect(fd, (struct sockaddr *)&addr, sizeof(addr)), "connect");
	length = snprintf(text, sizeof(text), "REGISTER proto=1 agent=c enabled=on group=%s ports=7871-7889\n", group);
	check(write(fd, text, length) == length, "write");
	length = read(fd, text, sizeof(text) - 1);
	check(length > 0, "read");
	text[length] = 0;
	check(!strncmp(text, "OK ", 3), text);
}

int main(int argc, char **argv)
{
	int fd, own;

	setvbuf(stdout, 0, _IONBF, 0);
	if (argc == 3 && !strcmp(argv[1], "heir")) {
		fd = atoi(argv[2]);
		printf("heir sees %d\n", port_of(fd));
		while (1) {
			int accepted = accept(fd, 0, 0);

			check(accepted >= 0, "accept");
			dprintf(accepted, "heir at %d\n", port_of(fd));
			close(accepted);
		}
	}
	check(argc == 3, "arguments");
	join_group(argv[1], argv[2]);
	fd = listener(7871);
	printf("member sees %d\n", port_of(fd));
	if (fork()) {
		/* Until the test has read what the child says: with this process its pipe goes too. */
		while (read(0, argv[2], 1) > 0)
			;
		return 0;
	}
	printf("pid %d\n", getpid());
	own = listener(7872);
	printf("child bound %d\n", port_of(own));
	snprintf(argv[2], 3, "%d", fd);
	execl(argv[0], argv[0], "heir", argv[2], (char *)0);
	check(0, "execl");
}
