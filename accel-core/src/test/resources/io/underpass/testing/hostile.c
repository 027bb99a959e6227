// What a client does that means harm. Each prints one line, and most then wait until their standard
// input ends.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define REGISTER "REGISTER proto=1 agent=hostile enabled=on\n"

static void die(const char *what)
{
	printf("! %s: %s\n", what, strerror(errno));
	exit(1);
}

static int dial(const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strncpy(to.sun_path, path, sizeof(to.sun_path) - 1);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to))) {
		close(fd);
		return -1;
	}
	return fd;
}

// Reads a reply to its last line: its first letter, O or E; 0 at the end of the stream.
static int reply(int fd, char *text, size_t room)
{
	size_t have = 0;

	while (have + 1 < room) {
		ssize_t n = read(fd, text + have, room - 1 - have);
		if (n <= 0)
			return 0;
		have += n;
		text[have] = 0;
		if (have >= 3 && !strcmp(text + have - 3, "\n.\n"))
			return text[0];
	}
	return 0;
}

static void wait_for_end(void)
{
	char c;

	fflush(stdout);
	while (read(0, &c, 1) > 0)
		;
}

// A TCP socket whose last close waits for so many seconds.
static int lingering(int seconds)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct linger linger = {1, seconds};
	socklen_t length = sizeof(at);
	int small = 4096;
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	static char block[65536];

	setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	if (bind(listener, (struct sockaddr *)&at, sizeof(at)) || listen(listener, 1) ||
	    getsockname(listener, (struct sockaddr *)&at, &length) ||
	    connect(fd, (struct sockaddr *)&at, sizeof(at)) || accept(listener, NULL, NULL) < 0)
		die("tcp");
	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (write(fd, block, sizeof(block)) > 0)
		;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	return fd;
}

// Sends a byte with a descriptor.
static ssize_t send_descriptor(int to, int fd, int flags)
{
	char byte = 'x';
	struct iovec iov = {&byte, 1};
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {.header = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
	struct msghdr message = {.msg_iov = &iov,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};

	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	return sendmsg(to, &message, flags | MSG_NOSIGNAL);
}

static void descriptor(const char *path, int seconds, const char *how)
{
	static char before[2000];
	int fd = lingering(seconds);
	int helper = dial(path);

	if (helper < 0)
		die("connect");
	if (!strcmp(how, "behind"))
		(void)!write(helper, "STATUS\n", 7);
	if (!strcmp(how, "tail")) {
		memset(before, 'a', sizeof(before));
		(void)!write(helper, before, sizeof(before));
	}
	ssize_t sent = send_descriptor(helper, fd, strcmp(how, "urgent") ? 0 : MSG_OOB);
	if (sent < 0) {
		printf("refused %d\n", errno);
	} else {
		printf("sent\n");
		close(fd); // not the last of it
	}
	wait_for_end();
}

// Opens connections and says nothing; at the end, how many of them the helper has ended.
static void idle(const char *path, int count)
{
	int *fds = calloc(count, sizeof(int));
	int ended = 0;
	char text[4096];

	for (int i = 0; i < count; i++)
		fds[i] = dial(path);
	printf("opened\n");
	wait_for_end();
	for (int i = 0; i < count; i++) {
		struct pollfd look = {fds[i], POLLIN, 0};
		if (fds[i] < 0 || (poll(&look, 1, 0) == 1 && reply(fds[i], text, sizeof(text)) == 'E'))
			ended++;
	}
	printf("ended %d\n", ended);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

// Connects, registers and closes, as often as it can; how often it was registered.
static void loop(const char *path, int seconds)
{
	double end = now() + seconds;
	char text[4096];
	int count = 0;

	while (now() < end) {
		int fd = dial(path);
		if (fd >= 0) {
			if (write(fd, REGISTER, strlen(REGISTER)) > 0 && reply(fd, text, sizeof(text)) == 'O')
				count++;
			close(fd);
		}
	}
	printf("registered %d\n", count);
}

// Asks the same again and again, registered first if it can be; how often it was answered.
static void flood(const char *path, int seconds, const char *request)
{
	static char text[1 << 20];
	double end = now() + seconds;
	int count = 0;

	while (now() < end) {
		int fd = dial(path);
		int more = fd >= 0 && write(fd, REGISTER, strlen(REGISTER)) > 0 && reply(fd, text, sizeof(text));
		while (more && now() < end) {
			more = dprintf(fd, "%s\n", request) > 0 && reply(fd, text, sizeof(text)) == 'O';
			count += more;
		}
		if (fd >= 0)
			close(fd);
	}
	printf("answered %d\n", count);
}

// So many processes that register, and ask for flows without reading the answers.
static void crowd(const char *path, int count, int questions)
{
	for (int i = 0; i < count; i++) {
		if (fork() == 0) {
			int fd = dial(path);
			if (fd < 0 || write(fd, REGISTER, strlen(REGISTER)) < 0)
				_exit(1);
			for (int n = 0; n < questions; n++)
				if (dprintf(fd, "FLOWS limit=1000\n") < 0)
					break;
			wait_for_end();
			_exit(0);
		}
	}
	printf("started\n");
	wait_for_end();
	while (wait(NULL) > 0)
		;
}

// One question; prints the answer's first line.
static void ask(const char *path, const char *request)
{
	static char text[1 << 16];
	int fd = dial(path);

	if (fd < 0)
		die("connect");
	dprintf(fd, "%s\n", request);
	if (!reply(fd, text, sizeof(text)))
		die("no answer");
	*strchr(text, '\n') = 0;
	printf("%s\n", text);
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	const char *what = argv[1], *path = argv[2];
	signal(SIGPIPE, SIG_IGN);

	if (!strcmp(what, "descriptor"))
		descriptor(path, atoi(argv[3]), argv[4]);
	else if (!strcmp(what, "idle"))
		idle(path, atoi(argv[3]));
	else if (!strcmp(what, "loop"))
		loop(path, atoi(argv[3]));
	else if (!strcmp(what, "flood"))
		flood(path, atoi(argv[3]), argv[4]);
	else if (!strcmp(what, "crowd"))
		crowd(path, atoi(argv[3]), atoi(argv[4]));
	else if (!strcmp(what, "ask"))
		ask(path, argv[3]);
	else
		return 2;
	return 0;
}
