/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A process that registers by its child, and becomes another program.
 *
 *   exec <helper's socket> before|after|instead <program>
 *
 * "before": the child registers first, and then the process runs the program; "after": the other way round; "instead":
 * it stays what it is, and does what the program would. The program is
 *
 *   exec target
 *
 * a copy of this one, setuid perhaps. It waits for a line, asks for a record of one of its sockets, as an agent does,
 * and prints what the kernel answers: 0, or the error number. Before that it prints the helper's answer, as it is.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* UP_SOL and UP_OPT_ACCELERATE are given by the compiler's command (Gcc). */

static int target(void)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(any);
	int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0), one = 1;
	char line[16];

	printf("uid %d\n", geteuid());
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin) || bind(listener, (struct sockaddr *)&any, size) || listen(listener, 1) ||
	    getsockname(listener, (struct sockaddr *)&any, &size) || connect(client, (struct sockaddr *)&any, size))
		return 1;
	printf("join %d\n", setsockopt(client, UP_SOL, UP_OPT_ACCELERATE, &one, sizeof(one)) ? errno : 0);
	return 0;
}

static int ask(int helper, const char *request)
{
	char answer[4096];
	ssize_t length;

	if (write(helper, request, strlen(request)) < 0)
		return -1;
	length = read(helper, answer, sizeof(answer) - 1);
	if (length <= 0)
		return -1;
	answer[length] = 0;
	answer[strcspn(answer, "\n")] = 0;
	printf("%s\n", answer);
	fflush(stdout);
	return strncmp(answer, "OK", 2) ? -1 : 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int helper = socket(AF_UNIX, SOCK_STREAM, 0), ready[2], execed[2], is_before;
	char word;

	if (argc == 2)
		return target();
	if (argc != 4 || pipe(ready) || pipe2(execed, O_CLOEXEC))
		return 1;
	is_before = strcmp(argv[2], "after") != 0;
	strncpy(at.sun_path, argv[1], sizeof(at.sun_path) - 1);
	if (connect(helper, (struct sockaddr *)&at, sizeof(at)))
		return 1;
	if (!fork()) {
		close(ready[0]);
		close(execed[1]);
		if (!is_before)
			is_before = read(execed[0], &word, 1); /* ends when the other program runs */
		ask(helper, "REGISTER proto=1 agent=exec enabled=on\n");
		if (write(ready[1], "r", 1) != 1)
			return 1;
		pause(); /* the connection is its registration */
	}
	close(ready[1]);
	if (is_before && read(ready[0], &word, 1) != 1)
		return 1;
	close(ready[0]);
	if (!strcmp(argv[2], "instead"))
		return target();
	execl(argv[3], argv[3], "target", (char *)0);
	return 1;
}
