/*
 * Answers seccomp notifications: listens on a socket, accepts one connection from a runtime, prints its message, then
 * one line for each notification until the last filtered process has ended.
 *
 *   receiver SOCKET [NUMBER=ERRNO]...
 *
 * First line: {"message": TEXT, "descriptors": COUNT, "ended": BOOL}, where `ended` means that the connection was
 * closed before the first notification. Then {"call": NUMBER, "pid": PID, "exists": BOOL}. A listed call fails with
 * ERRNO; any other continues.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "json.h"

static int fail(const char *what)
{
	perror(what);
	return 1;
}

/* Receives one message; returns the listener attached to it, or -1. */
static int take(int connection)
{
	static char text[65536];
	static char control[1024] __attribute__((aligned(8)));
	struct iovec piece = {text, sizeof(text) - 1};
	struct msghdr message = {.msg_iov = &piece,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	ssize_t size = recvmsg(connection, &message, MSG_CMSG_CLOEXEC);
	int descriptors = 0, listener = -1;
	char rest;

	if (size < 0)
		return -1;
	text[size] = '\0';
	for (struct cmsghdr *part = CMSG_FIRSTHDR(&message); part; part = CMSG_NXTHDR(&message, part)) {
		descriptors += (int)((part->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(&listener, CMSG_DATA(part), sizeof(listener));
	}
	printf("{\"message\":");
	put_string(text);
	struct pollfd ready[] = {{connection, POLLIN, 0}, {listener, POLLIN, 0}};
	poll(ready, 2, -1);
	printf(",\"descriptors\":%d,\"ended\":%s}\n", descriptors,
		recv(connection, &rest, 1, MSG_DONTWAIT) == 0 ? "true" : "false");
	fflush(stdout);
	return listener;
}

static void answer(int listener, char **replies)
{
	for (;;) {
		struct pollfd poll_one = {listener, POLLIN, 0};
		if (poll(&poll_one, 1, -1) < 0 || !(poll_one.revents & POLLIN))
			return;
		struct seccomp_notif request = {0};
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request) != 0)
			continue;
		printf("{\"call\":%d,\"pid\":%u,\"exists\":%s}\n", request.data.nr, request.pid,
			kill((pid_t)request.pid, 0) == 0 ? "true" : "false");
		fflush(stdout);
		struct seccomp_notif_resp reply = {
			.id = request.id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
		for (char **each = replies; *each; each++) {
			char *sign = strchr(*each, '=');
			if (sign == NULL || atoi(*each) != request.data.nr)
				continue;
			reply.flags = 0;
			reply.error = -atoi(sign + 1);
		}
		ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &reply);
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (argc < 2 || strlen(argv[1]) >= sizeof(address.sun_path))
		return 99;
	strcpy(address.sun_path, argv[1]);
	if (server < 0 || bind(server, (struct sockaddr *)&address, sizeof(address)) != 0 ||
		listen(server, 4) != 0)
		return fail(argv[1]);
	puts("listening");
	fflush(stdout);
	int connection = accept(server, NULL, NULL);
	if (connection < 0)
		return fail("accept");
	int listener = take(connection);
	if (listener < 0)
		return fail("take");
	answer(listener, argv + 2);
	return 0;
}
