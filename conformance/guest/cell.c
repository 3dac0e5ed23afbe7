/*
 * Processes that an isolated test environment needs besides its namespaces.
 *
 *   cell reap COMMAND...    pid 1 of a pid namespace: reaps until COMMAND has ended, and exits with its status
 *   cell console PATH       an engine's console socket: receives each master, reads its output, and keeps it open
 *                           until the next; prints a line when listening
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BAD_CALL = 120, OWN_FAILURE = 121 };

static int reap(char **command)
{
	pid_t child = fork(), ended;
	int status;
	if (child == 0) {
		execvp(command[0], command);
		_exit(127);
	}
	while ((ended = waitpid(-1, &status, 0)) > 0 || errno == EINTR)
		if (ended == child)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return OWN_FAILURE;
}

static int receive(int connection)
{
	char byte[64];
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr header;
	} control;
	struct iovec part = {byte, sizeof(byte)};
	struct msghdr message = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes)};
	if (recvmsg(connection, &message, MSG_CMSG_CLOEXEC) <= 0)
		return -1;
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int fd = -1;
	if (header && header->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

static int console(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), master = -1;
	if (listener < 0 || bind(listener, (void *)&address, sizeof(address)) < 0 || listen(listener, 8) < 0)
		return OWN_FAILURE;
	puts("listens");
	fflush(stdout);
	for (;;) {
		struct pollfd polls[2] = {{listener, POLLIN, 0}, {master, POLLIN, 0}};
		char bytes[4096];
		if (poll(polls, 2, -1) < 0 && errno != EINTR)
			return OWN_FAILURE;
		if (polls[1].revents && read(master, bytes, sizeof(bytes)) <= 0) {
			close(master);
			master = -1;
		}
		if (!polls[0].revents)
			continue;
		int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		int next = connection < 0 ? -1 : receive(connection);
		close(connection);
		if (next < 0)
			continue;
		close(master);
		master = next;
	}
}

int main(int argc, char **argv)
{
	if (argc > 2 && strcmp(argv[1], "reap") == 0)
		return reap(argv + 2);
	if (argc == 3 && strcmp(argv[1], "console") == 0)
		return console(argv[2]);
	return BAD_CALL;
}
