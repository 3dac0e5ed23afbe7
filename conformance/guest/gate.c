/*
 * Runs on the host and intercepts opens of files: the opening process waits until its descriptors have been
 * inspected.
 *
 *   gate FILE...                     {"ready":true}, then a line for each open of a file: {"file":INDEX,
 *                                    "exec":BOOL,"pid":N,"fds":[[NUMBER,LINK],...]}, `exec` if execve(2) opens it. Ends
 *                                    with standard input.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "json.h"

enum { BAD_CALL = 99 };

static void check(long result, const char *what)
{
	if (result >= 0)
		return;
	perror(what);
	exit(BAD_CALL);
}

static void put_descriptors(int pid)
{
	char path[300], link[4096];
	const char *separator = "";
	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	DIR *directory = opendir(path);
	for (struct dirent *entry; directory && (entry = readdir(directory));) {
		if (entry->d_name[0] == '.')
			continue;
		ssize_t length = readlinkat(dirfd(directory), entry->d_name, link, sizeof(link) - 1);
		link[length < 0 ? 0 : length] = '\0';
		printf("%s[%s,", separator, entry->d_name);
		put_string(link);
		putchar(']');
		separator = ",";
	}
	if (directory)
		closedir(directory);
}

static int index_of(char **files, int fd)
{
	struct stat opened, known;
	check(fstat(fd, &opened), "fstat");
	for (int i = 0; files[i]; i++)
		if (stat(files[i], &known) == 0 && known.st_ino == opened.st_ino && known.st_dev == opened.st_dev)
			return i;
	return -1;
}

static void answer(int notifier, char **files, const struct fanotify_event_metadata *event)
{
	bool exec = event->mask & FAN_OPEN_EXEC_PERM;
	if (event->pid != getpid()) {
		printf("{\"file\":%d,\"exec\":%s,\"pid\":%d,\"fds\":[", index_of(files, event->fd),
			exec ? "true" : "false", event->pid);
		put_descriptors(event->pid);
		puts("]}");
		fflush(stdout);
	}
	struct fanotify_response response = {event->fd, FAN_ALLOW};
	check(write(notifier, &response, sizeof(response)), "write");
	close(event->fd);
}

int main(int argc, char **argv)
{
	char events[4096] __attribute__((aligned(8)));
	int notifier = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY | O_CLOEXEC);
	check(notifier, "fanotify_init");
	for (int i = 1; i < argc; i++)
		check(fanotify_mark(notifier, FAN_MARK_ADD, FAN_OPEN_PERM | FAN_OPEN_EXEC_PERM, AT_FDCWD, argv[i]),
			"fanotify_mark");
	puts("{\"ready\":true}");
	fflush(stdout);
	for (;;) {
		struct pollfd polls[2] = {{notifier, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
		check(poll(polls, 2, -1), "poll");
		if (polls[1].revents)
			return 0;
		if (!polls[0].revents)
			continue;
		ssize_t size = read(notifier, events, sizeof(events));
		check(size, "read");
		for (struct fanotify_event_metadata *event = (void *)events; FAN_EVENT_OK(event, size);
			event = FAN_EVENT_NEXT(event, size))
			answer(notifier, argv + 1, event);
	}
}
