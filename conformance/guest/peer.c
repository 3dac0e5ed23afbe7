/*
 * The peer of a runtime: a terminal, an engine's socket, a slow reader. Runs on the host.
 *
 *   peer pty ROWS COLUMNS DELAY COMMAND...   COMMAND with a new terminal, relayed to stdin and stdout; reads at
 *                                    most 512 bytes every DELAY microseconds unless that is 0. Lines `ROWS
 *                                    COLUMNS` on descriptor 3 resize it. Ends with a line on stderr:
 *                                    {"status":N,"signal":N,"restored":BOOL}; `restored` if the terminal's mode
 *                                    is unchanged.
 *   peer reader DELAY LIMIT COMMAND...       COMMAND with a pipe as stdout, read likewise, and closed after LIMIT
 *                                    bytes unless that is 0; exits with its status.
 *   peer socket PATH                 listens, accepts after the first line on stdin, and prints a line with the
 *                                    message: {"data":TEXT,"messages":N,"fds":N,"kind":LINK}. Then relays a terminal.
 *   peer notify PATH                 a datagram socket (abstract if PATH begins with @): a line per datagram,
 *                                    {"data":TEXT,"fds":N}.
 *   peer rmdir PATH                  removes a directory once, as soon as it exists and is empty; {"removed":true}.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "json.h"

enum { BAD_CALL = 99, SLOW_PIECE = 512 };

static void fail(const char *what)
{
	perror(what);
	exit(BAD_CALL);
}

static void write_all(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t wrote = write(fd, data, size);
		if (wrote < 0 && errno == EAGAIN) {
			struct pollfd poll_one = {fd, POLLOUT, 0};
			poll(&poll_one, 1, -1);
			continue;
		}
		if (wrote < 0)
			fail("write");
		data += wrote;
		size -= (size_t)wrote;
	}
}

/* One read, delayed if requested; false at end of file. */
static bool pass(int from, int to, long delay)
{
	char data[16384];
	if (delay > 0)
		usleep((useconds_t)delay);
	ssize_t size = read(from, data, delay > 0 ? SLOW_PIECE : sizeof(data));
	if (size <= 0)
		return false;
	write_all(to, data, (size_t)size);
	return true;
}

static void resize(int master)
{
	char line[64];
	struct winsize size = {0};
	ssize_t length = read(3, line, sizeof(line) - 1);
	if (length <= 0) {
		close(3);
		return;
	}
	line[length] = '\0';
	if (sscanf(line, "%hu %hu", &size.ws_row, &size.ws_col) == 2)
		ioctl(master, TIOCSWINSZ, &size);
}

static int child_status;
static volatile sig_atomic_t child_ended;

static void note_child(int number)
{
	(void)number;
	child_ended = 1;
}

static void relay(int master, long delay, bool sizes)
{
	bool input = true;
	fcntl(master, F_SETFL, O_NONBLOCK);
	sigset_t blocked, before;
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGCHLD);
	sigprocmask(SIG_BLOCK, &blocked, &before);
	while (!child_ended) {
		struct pollfd polls[3] = {
			{input ? 0 : -1, POLLIN, 0}, {master, POLLIN, 0}, {sizes ? 3 : -1, POLLIN, 0}};
		if (ppoll(polls, 3, NULL, &before) < 0)
			continue;
		if (polls[0].revents)
			input = pass(0, master, 0);
		if (polls[1].revents & POLLIN)
			pass(master, 1, delay);
		if (polls[2].revents)
			resize(master);
	}
	while (pass(master, 1, 0))
		;
}

static int run_pty(char **args)
{
	if (!args[0] || !args[1] || !args[2] || !args[3])
		return BAD_CALL;
	/* Before anything is opened, and must become 3. */
	bool sizes = fcntl(3, F_GETFD) >= 0;
	struct winsize size = {
		.ws_row = (unsigned short)atoi(args[0]), .ws_col = (unsigned short)atoi(args[1])};
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
		fail("openpt");
	int slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0 || ioctl(master, TIOCSWINSZ, &size) < 0)
		fail("pts");
	struct termios before = {0}, after = {0};
	tcgetattr(slave, &before);
	signal(SIGCHLD, note_child);
	pid_t pid = fork();
	if (pid == 0) {
		setsid();
		ioctl(slave, TIOCSCTTY, 0);
		for (int fd = 0; fd <= 2; fd++)
			dup2(slave, fd);
		close(3);
		signal(SIGCHLD, SIG_DFL);
		execvp(args[3], args + 3);
		_exit(127);
	}
	relay(master, atol(args[2]), sizes);
	waitpid(pid, &child_status, 0);
	tcgetattr(slave, &after);
	fprintf(stderr, "{\"status\":%d,\"signal\":%d,\"restored\":%s}\n",
		WIFEXITED(child_status) ? WEXITSTATUS(child_status) : -1,
		WIFSIGNALED(child_status) ? WTERMSIG(child_status) : 0,
		memcmp(&before, &after, sizeof(before)) == 0 ? "true" : "false");
	return 0;
}

static int run_reader(char **args)
{
	int ends[2];
	if (!args[0] || !args[1] || !args[2] || pipe2(ends, O_CLOEXEC) < 0)
		return BAD_CALL;
	long delay = atol(args[0]), limit = atol(args[1]);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(ends[1], 1);
		execvp(args[2], args + 2);
		_exit(127);
	}
	close(ends[1]);
	for (long passed = 0; limit == 0 || passed < limit; passed += SLOW_PIECE)
		if (!pass(ends[0], 1, delay))
			break;
	close(ends[0]);
	waitpid(pid, &child_status, 0);
	return WIFEXITED(child_status) ? WEXITSTATUS(child_status) : 128 + WTERMSIG(child_status);
}

static int listen_at(const char *path, int type)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *slash = strrchr(path, '/');
	/* The path may exceed sun_path. */
	if (slash && strlen(path) >= sizeof(address.sun_path)) {
		char directory[PATH_MAX];
		snprintf(directory, sizeof(directory), "%.*s", (int)(slash - path), path);
		if (chdir(directory) < 0)
			fail(directory);
		path = slash + 1;
	}
	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	socklen_t length = sizeof(address);
	if (path[0] == '@') {
		address.sun_path[0] = '\0';
		length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	}
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) < 0)
		fail(path);
	if (type == SOCK_STREAM && listen(fd, 1) < 0)
		fail("listen");
	return fd;
}

struct received {
	char data[4096];
	ssize_t size;
	int messages, count;
	int fds[8];
};

static bool receive(int fd, struct received *received)
{
	char control[CMSG_SPACE(sizeof(received->fds))];
	struct iovec part = {received->data, sizeof(received->data) - 1};
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	received->count = received->messages = 0;
	received->size = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
	if (received->size <= 0)
		return false;
	received->data[received->size] = '\0';
	for (struct cmsghdr *each = CMSG_FIRSTHDR(&message); each; each = CMSG_NXTHDR(&message, each)) {
		received->messages++;
		if (each->cmsg_level != SOL_SOCKET || each->cmsg_type != SCM_RIGHTS)
			continue;
		int count = (int)((each->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(received->fds + received->count, CMSG_DATA(each), (size_t)count * sizeof(int));
		received->count += count;
	}
	return true;
}

static int run_socket(char **args)
{
	if (!args[0])
		return BAD_CALL;
	int listener = listen_at(args[0], SOCK_STREAM);
	puts("{\"listening\":true}");
	fflush(stdout);
	char byte;
	while (read(0, &byte, 1) == 1 && byte != '\n')
		;
	int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	static struct received first, second;
	if (connection < 0 || !receive(connection, &first))
		fail("receive");
	char path[64], target[PATH_MAX] = "";
	snprintf(path, sizeof(path), "/proc/self/fd/%d", first.fds[0]);
	if (first.count > 0 && readlink(path, target, sizeof(target) - 1) < 0)
		fail(path);
	bool more = receive(connection, &second);
	printf("{\"data\":");
	put_string(first.data);
	printf(",\"messages\":%d,\"fds\":%d,\"more\":%s,\"kind\":", first.messages, first.count,
		more ? "true" : "false");
	put_string(target);
	if (strstr(target, "pidfd")) {
		char info[4096] = "";
		snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", first.fds[0]);
		FILE *file = fopen(path, "re");
		size_t size = file ? fread(info, 1, sizeof(info) - 1, file) : 0;
		info[size] = '\0';
		const char *pid = strstr(info, "Pid:");
		printf(",\"pid\":%d", pid ? atoi(pid + 4) : -1);
	}
	puts("}");
	fflush(stdout);
	if (!isatty(first.fds[0]))
		return 0;
	fcntl(first.fds[0], F_SETFL, O_NONBLOCK);
	for (bool input = true;;) {
		struct pollfd polls[2] = {{input ? 0 : -1, POLLIN, 0}, {first.fds[0], POLLIN, 0}};
		poll(polls, 2, -1);
		if (polls[0].revents)
			input = pass(0, first.fds[0], 0);
		if (polls[1].revents && !pass(first.fds[0], 1, 0) && errno == EIO)
			return 0;
	}
}

static int run_notify(char **args)
{
	if (!args[0])
		return BAD_CALL;
	int fd = listen_at(args[0], SOCK_DGRAM);
	puts("{\"listening\":true}");
	fflush(stdout);
	static struct received received;
	while (receive(fd, &received)) {
		printf("{\"data\":");
		put_string(received.data);
		printf(",\"fds\":%d}\n", received.count);
		fflush(stdout);
		for (int i = 0; i < received.count; i++)
			close(received.fds[i]);
	}
	return 0;
}

/* Busy-waits: the directory may be empty for only microseconds. */
static int run_rmdir(char **args)
{
	puts("{\"ready\":true}");
	fflush(stdout);
	while (rmdir(args[0]) < 0)
		;
	puts("{\"removed\":true}");
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(char **args);
	} roles[] = {
		{"pty", run_pty}, {"reader", run_reader}, {"socket", run_socket}, {"notify", run_notify}, {"rmdir", run_rmdir}};
	for (size_t i = 0; argc > 1 && i < sizeof(roles) / sizeof(roles[0]); i++)
		if (strcmp(argv[1], roles[i].name) == 0)
			return roles[i].run(argv + 2);
	fputs("peer: unknown role\n", stderr);
	return BAD_CALL;
}
