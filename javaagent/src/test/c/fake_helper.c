// A helper that means harm. It answers so many requests as a helper does, and then, by its mode:
//
//   silence       says nothing
//   slow          sends one byte of an answer now and then
//   descriptors   sends bytes with descriptors, at the next request
//   unasked       likewise, without one
//
// A descriptor is the last of a TCP socket that has unsent bytes and lingers: who drops it, waits.
// Each request is printed. Arguments: the socket's path, how many are answered, the mode.

#define _GNU_SOURCE
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINGER_SECONDS 60
// One that is dropped before its sender has ended makes nobody wait.
#define DESCRIPTORS 16

static const char REPLY[] =
	"OK id=7 proto=1 helper=0.1.0 level=30064 state=running reason= group=blue identity= total=0"
	" connectionsAccelerated=0 bytesRedirected=0 messagesRedirected=0 bytesPassed=0"
	" messagesPassed=0 switches=0\n.\n";

// Nobody accepts what comes here, or reads it.
static struct sockaddr_in sink;

static void check(int result, const char *what)
{
	if (result < 0) {
		perror(what);
		exit(1);
	}
}

static pid_t fork_bound(void)
{
	pid_t parent = getpid();
	pid_t pid = fork();

	check(pid, "fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(0);
	}
	return pid;
}

static void open_sink(void)
{
	socklen_t length = sizeof(sink);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	sink.sin_family = AF_INET;
	sink.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	check(bind(fd, (struct sockaddr *)&sink, length), "bind");
	check(listen(fd, 4096), "listen");
	check(getsockname(fd, (struct sockaddr *)&sink, &length), "getsockname");
}

static int lingering(void)
{
	static const char bytes[4096];
	struct linger linger = { .l_onoff = 1, .l_linger = LINGER_SECONDS };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	check(connect(fd, (struct sockaddr *)&sink, sizeof(sink)), "connect");
	check(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), "SO_LINGER");
	check(fcntl(fd, F_SETFL, O_NONBLOCK), "O_NONBLOCK");
	while (write(fd, bytes, sizeof(bytes)) > 0)
		;
	return fd;
}

static void send_descriptor(int to)
{
	int fd = lingering();
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .header = {
		.cmsg_len = CMSG_LEN(sizeof(int)),
		.cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS,
	} };
	struct iovec byte = { .iov_base = "O", .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &byte,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	sendmsg(to, &message, MSG_NOSIGNAL);
	_exit(0); // an exit does not linger
}

static void send_descriptors(int to)
{
	for (int i = 0; i < DESCRIPTORS; i++) {
		pid_t pid = fork_bound();

		if (pid == 0)
			send_descriptor(to);
		waitpid(pid, NULL, 0);
	}
}

// False at the end.
static int read_request(int fd)
{
	char line[1025];
	size_t length = 0;

	while (length < sizeof(line) - 1) {
		if (read(fd, line + length, 1) != 1)
			return 0;
		if (line[length++] == '\n')
			break;
	}
	line[length] = 0;
	fputs(line, stdout);
	fflush(stdout);
	return 1;
}

static void serve(int fd, int replies, const char *mode)
{
	for (int i = 0; i < replies; i++) {
		if (!read_request(fd) || write(fd, REPLY, sizeof(REPLY) - 1) < 0)
			_exit(0);
	}
	if (!strcmp(mode, "unasked")) {
		usleep(100 * 1000); // the reply has been read
		send_descriptors(fd);
	}
	if (!read_request(fd))
		_exit(0);
	if (!strcmp(mode, "descriptors"))
		send_descriptors(fd);
	if (!strcmp(mode, "slow")) {
		while (write(fd, "O", 1) == 1)
			usleep(50 * 1000);
	}
	pause();
}

// Whoever started this has ended when standard input does.
static void end_with_starter(void)
{
	char byte;

	if (fork_bound() == 0) {
		while (read(STDIN_FILENO, &byte, 1) > 0)
			;
		kill(getppid(), SIGKILL);
		_exit(0);
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);

	if (argc != 4)
		return 2;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	end_with_starter();
	open_sink();
	strncpy(address.sun_path, argv[1], sizeof(address.sun_path) - 1);
	check(bind(listener, (struct sockaddr *)&address, sizeof(address)), "bind");
	check(chmod(argv[1], 0666), "chmod");
	check(listen(listener, 16), "listen");
	puts("ready");
	fflush(stdout);
	while (1) {
		int fd = accept(listener, NULL, NULL);

		check(fd, "accept");
		if (fork_bound() == 0)
			serve(fd, atoi(argv[2]), argv[3]);
		close(fd);
	}
}
