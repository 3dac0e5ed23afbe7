/* The probe's verbs that inspect other processes; one attacks those that enter its container. */
#define _GNU_SOURCE
#include "verbs.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static bool is_helper(const char *pid)
{
	char path[300], name[64] = "";
	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t size = read(fd, name, sizeof(name) - 1);
	close(fd);
	return size > 0 && (strncmp(name, "rt", 2) == 0 || strncmp(name, "node", 4) == 0);
}

/* Attempts what must be refused: reading memory and descriptors, and tracing. */
static bool look_into(const char *pid)
{
	static const char *const files[] = {"mem", "fd/3", "fd/4", "fd/5", "environ", "exe", "root/canary"};
	char path[300];
	bool opened = false;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "/proc/%s/%s", pid, files[i]);
		int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		if (fd >= 0)
			opened = true;
		close(fd);
	}
	int number = 0;
	sscanf(pid, "%d", &number);
	int pidfd = (int)syscall(SYS_pidfd_open, number, 0);
	int stolen = pidfd < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, pidfd, 4, 0);
	if (stolen >= 0)
		opened = true;
	close(stolen);
	close(pidfd);
	/* Needs the same permission as PTRACE_ATTACH, without side effects. */
	char byte;
	struct iovec own = {&byte, 1}, other = {(void *)0x400000, 1};
	if (process_vm_readv(number, &own, 1, &other, 1, 0) == 1)
		opened = true;
	/* If it has executed the program meanwhile, access is legitimate. */
	return opened && is_helper(pid);
}

/* spy FILE: until FILE exists, attacks every visible process of the runtime. */
void verb_spy(char **args)
{
	long seen = 0, opened = 0;
	puts("{\"ready\":true}");
	fflush(stdout);
	while (access(args[0], F_OK) != 0) {
		DIR *processes = opendir("/proc");
		for (struct dirent *entry; processes && (entry = readdir(processes));) {
			if (!isdigit((unsigned char)entry->d_name[0]) || !is_helper(entry->d_name))
				continue;
			seen++;
			opened += look_into(entry->d_name);
		}
		closedir(processes);
	}
	printf("{\"seen\":%ld,\"opened\":%ld}\n", seen, opened);
}

/*
 * watch FILE: until FILE exists, inspects all other processes of the pid namespace. Reports the union of their
 * capabilities, and the number of distinct processes.
 */
void verb_watch(char **args)
{
	unsigned long long all = 0;
	int newest = 0, seen = 0;

	puts("{\"ready\":true}");
	fflush(stdout);
	while (access(args[0], F_OK) < 0) {
		DIR *dir = opendir("/proc");
		for (struct dirent *entry; dir && (entry = readdir(dir));) {
			int pid = atoi(entry->d_name);
			char path[300];
			if (pid <= 0 || pid == getpid())
				continue;
			if (pid > newest) {
				newest = pid;
				seen++;
			}
			snprintf(path, sizeof(path), "/proc/%d/status", pid);
			char *status = read_text(path);
			char *line = status ? strstr(status, "CapPrm:") : NULL;
			if (line)
				all |= strtoull(line + 7, NULL, 16);
			free(status);
		}
		if (dir)
			closedir(dir);
	}
	printf("{\"seen\":%d,\"capabilities\":\"%llx\"}\n", seen, all);
}
