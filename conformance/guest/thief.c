/* The probe's verbs that keep the runtime's executables open, and that fork without end. */
#define _GNU_SOURCE
#include "verbs.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST = 256 };

struct loot {
	int fds[MOST];
	struct stat stats[MOST];
	int count;
};

/* Whether the file belongs to the container's image. */
static bool is_of_image(int fd, const struct stat *st)
{
	char link[64], path[4096];
	struct stat own;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t length = readlink(link, path, sizeof(path) - 1);
	path[length < 0 ? 0 : length] = '\0';
	return stat(path, &own) == 0 && own.st_dev == st->st_dev && own.st_ino == st->st_ino;
}

static void take(struct loot *loot, const char *path, int flags)
{
	struct stat st;
	int fd = loot->count < MOST ? open(path, flags | O_CLOEXEC) : -1;
	bool known = fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || is_of_image(fd, &st);
	for (int i = 0; i < loot->count && !known; i++)
		known = loot->stats[i].st_ino == st.st_ino && loot->stats[i].st_dev == st.st_dev;
	if (known) {
		close(fd);
		return;
	}
	loot->stats[loot->count] = st;
	loot->fds[loot->count++] = fd;
}

static void take_mapped(struct loot *loot, const char *pid)
{
	char path[600];
	snprintf(path, sizeof(path), "/proc/%s/map_files", pid);
	DIR *files = opendir(path);
	for (struct dirent *entry; files && (entry = readdir(files));) {
		snprintf(path, sizeof(path), "/proc/%s/map_files/%s", pid, entry->d_name);
		take(loot, path, O_RDONLY);
	}
	if (files)
		closedir(files);
}

/* Rewrites the first byte with its own value. */
static bool can_write(int fd)
{
	char path[64], byte;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int readable = open(path, O_RDONLY | O_CLOEXEC), writable = open(path, O_WRONLY | O_CLOEXEC);
	bool could = readable >= 0 && writable >= 0 && pread(readable, &byte, 1, 0) == 1 &&
		     pwrite(writable, &byte, 1, 0) == 1;
	close(readable);
	close(writable);
	return could;
}

/*
 * thief STOP: until the file STOP exists, opens each executable that a process runs and that is not in the image, then
 * tries to write to them once they are no longer running. {"writable":N}
 */
void verb_thief(char **args)
{
	struct loot loot = {.count = 0};
	int writable = 0;
	puts("{\"ready\":true}");
	fflush(stdout);
	while (access(args[0], F_OK) != 0) {
		DIR *processes = opendir("/proc");
		for (struct dirent *entry; processes && (entry = readdir(processes));) {
			char path[300];
			if (atoi(entry->d_name) <= 1)
				continue;
			snprintf(path, sizeof(path), "/proc/%s/exe", entry->d_name);
			take(&loot, path, O_PATH);
			take(&loot, path, O_RDONLY);
			take_mapped(&loot, entry->d_name);
		}
		closedir(processes);
	}
	for (int i = 0; i < loot.count; i++)
		writable += can_write(loot.fds[i]);
	printf("{\"writable\":%d}\n", writable);
}

/* swarm: processes that keep forking and exiting, so that no list of them is ever accurate. */
void verb_swarm(char **args)
{
	(void)args;
	puts("{\"ready\":true}");
	fflush(stdout);
	for (int i = 0; i < 8; i++)
		if (fork() == 0)
			break;
	for (;;)
		if (fork() > 0)
			_exit(0);
}
