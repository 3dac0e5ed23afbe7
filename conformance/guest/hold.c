/* The probe's verbs that keep using something a checkpoint must preserve: a lock, a socket, a connection. */
#define _GNU_SOURCE
#include "verbs.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { FAILED = 1, INTERVAL = 50000 };

static void check(int result, const char *what)
{
	if (result >= 0)
		return;
	perror(what);
	exit(FAILED);
}

/* Locks a file with both flock(2) and fcntl(2), and keeps the locks. */
void verb_lock(char **args)
{
	struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int fd = open(args[0], O_RDWR | O_CREAT | O_CLOEXEC, 0644);

	check(fd, "open");
	check(flock(fd, LOCK_EX | LOCK_NB), "flock");
	check(fcntl(fd, F_SETLK, &range), "fcntl");
	puts("{\"ready\":true}");
	fflush(stdout);
	for (;;)
		pause();
}

/* Sends 1, 2, ... to a datagram socket over one connection. */
void verb_report(char **args)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	strncpy(address.sun_path, args[0], sizeof(address.sun_path) - 1);
	check(connect(fd, (struct sockaddr *)&address, sizeof(address)), "connect");
	for (unsigned number = 1;; number++) {
		char text[16];
		int length = snprintf(text, sizeof(text), "%u", number);
		check((int)send(fd, text, (size_t)length, MSG_NOSIGNAL), "send");
		usleep(INTERVAL);
	}
}

/* Publishes the number as a symbolic link: a file that is open at a checkpoint could be a different one at
 * restore. */
static void put_count(const char *path, unsigned number)
{
	char aside[256], text[16];
	snprintf(aside, sizeof(aside), "%s.next", path);
	snprintf(text, sizeof(text), "%u", number);
	unlink(aside);
	check(symlink(text, aside), "symlink");
	check(rename(aside, path), "rename");
}

/* Sends 1, 2, ... over a TCP connection to a child, which echoes them; writes the replies to a file. */
void verb_converse(char **args)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(7000)};
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	check(bind(listener, (struct sockaddr *)&address, sizeof(address)), "bind");
	check(listen(listener, 1), "listen");
	int own = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	check(connect(own, (struct sockaddr *)&address, sizeof(address)), "connect");
	pid_t child = fork();
	check(child, "fork");
	unsigned number = 0;
	if (child == 0) {
		close(own);
		int other = accept(listener, NULL, NULL);
		while (recv(other, &number, sizeof(number), MSG_WAITALL) == sizeof(number))
			check((int)send(other, &number, sizeof(number), MSG_NOSIGNAL), "send");
		_exit(0);
	}
	close(listener);
	for (unsigned next = 1;; next++) {
		check((int)send(own, &next, sizeof(next), MSG_NOSIGNAL), "send");
		check(recv(own, &number, sizeof(number), MSG_WAITALL) == sizeof(number) ? 0 : -1, "recv");
		check(number == next ? 0 : -1, "another number");
		put_count(args[0], number);
		usleep(INTERVAL);
	}
}
