/* The probe's verbs that report attributes of their own process. */
#define _GNU_SOURCE
#include "json.h"
#include "verbs.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

/* The value of "Name:\tvalue" in /proc/self/status, written as a JSON string. */
static void put_status_field(const char *status, const char *name)
{
	char key[64];

	snprintf(key, sizeof(key), "\n%s:\t", name);
	const char *at = strstr(status, key);
	if (!at) {
		printf("null");
		return;
	}
	at += strlen(key);
	char value[256];
	size_t length = strcspn(at, "\n");

	if (length >= sizeof(value))
		length = sizeof(value) - 1;
	memcpy(value, at, length);
	value[length] = '\0';
	put_string(value);
}

void verb_ids(char **args)
{
	(void)args;
	uid_t uids[3];
	gid_t gids[3];
	gid_t groups[256];
	mode_t mask = umask(0);
	char *status = read_text("/proc/self/status");

	umask(mask);
	getresuid(&uids[0], &uids[1], &uids[2]);
	getresgid(&gids[0], &gids[1], &gids[2]);
	printf("{\"uid\":[%u,%u,%u],\"gid\":[%u,%u,%u],\"groups\":[", uids[0], uids[1], uids[2], gids[0],
		gids[1], gids[2]);
	int count = getgroups(256, groups);
	for (int i = 0; i < count; i++)
		printf("%s%u", i ? "," : "", groups[i]);
	printf("],\"umask\":%u,\"pid\":%d,\"ppid\":%d,\"sid\":%d,\"dumpable\":%d", mask, getpid(), getppid(),
		getsid(0), prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
	printf(",\"noNewPrivs\":%d", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	static const char *const fields[][2] = {
		{"inheritable", "CapInh"},
		{"permitted", "CapPrm"},
		{"effective", "CapEff"},
		{"bounding", "CapBnd"},
		{"ambient", "CapAmb"},
		{"seccomp", "Seccomp"},
		{"sigBlocked", "SigBlk"},
		{"sigIgnored", "SigIgn"},
		{"sigCaught", "SigCgt"},
		{"cpus", "Cpus_allowed_list"},
		{"mems", "Mems_allowed_list"},
	};
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		printf(",\"%s\":", fields[i][0]);
		put_status_field(status ? status : "", fields[i][1]);
	}
	puts("}");
	free(status);
}

void verb_ns(char **args)
{
	(void)args;
	static const char *const names[] = {"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"};

	putchar('{');
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[64], target[128];
		snprintf(path, sizeof(path), "/proc/self/ns/%s", names[i]);
		ssize_t length = readlink(path, target, sizeof(target) - 1);
		printf("%s\"%s\":", i ? "," : "", names[i]);
		if (length < 0) {
			printf("null");
			continue;
		}
		target[length] = '\0';
		put_string(target);
	}
	puts("}");
}

/* Every descriptor with its target and flags, except the one used to read the directory. */
void verb_fds(char **args)
{
	(void)args;
	DIR *dir = opendir("/proc/self/fd");
	if (!dir) {
		put_outcome(-1);
		return;
	}
	bool first = true;

	putchar('[');
	for (struct dirent *entry; (entry = readdir(dir));) {
		if (entry->d_name[0] == '.')
			continue;
		int fd = atoi(entry->d_name);
		if (fd == dirfd(dir))
			continue;
		char path[64], target[PATH_MAX];
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		ssize_t length = readlink(path, target, sizeof(target) - 1);
		target[length < 0 ? 0 : length] = '\0';
		struct stat st = {0};
		fstat(fd, &st);
		printf("%s{\"fd\":%d,\"target\":", first ? "" : ",", fd);
		put_string(target);
		printf(",\"flags\":%d,\"uid\":%u,\"mode\":%u}", fcntl(fd, F_GETFL), st.st_uid, st.st_mode);
		first = false;
	}
	puts("]");
	closedir(dir);
}

void verb_rlimits(char **args)
{
	(void)args;
	static const struct {
		const char *name;
		int resource;
	} limits[] = {
		{"RLIMIT_AS", RLIMIT_AS},
		{"RLIMIT_CORE", RLIMIT_CORE},
		{"RLIMIT_CPU", RLIMIT_CPU},
		{"RLIMIT_DATA", RLIMIT_DATA},
		{"RLIMIT_FSIZE", RLIMIT_FSIZE},
		{"RLIMIT_LOCKS", RLIMIT_LOCKS},
		{"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},
		{"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
		{"RLIMIT_NICE", RLIMIT_NICE},
		{"RLIMIT_NOFILE", RLIMIT_NOFILE},
		{"RLIMIT_NPROC", RLIMIT_NPROC},
		{"RLIMIT_RSS", RLIMIT_RSS},
		{"RLIMIT_RTPRIO", RLIMIT_RTPRIO},
		{"RLIMIT_RTTIME", RLIMIT_RTTIME},
		{"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
		{"RLIMIT_STACK", RLIMIT_STACK},
	};

	putchar('{');
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct rlimit limit = {0};
		getrlimit((__rlimit_resource_t)limits[i].resource, &limit);
		/* Strings, because the values have 64 bits and JavaScript's numbers 53. */
		printf("%s\"%s\":[\"%llu\",\"%llu\"]", i ? "," : "", limits[i].name,
			(unsigned long long)limit.rlim_cur, (unsigned long long)limit.rlim_max);
	}
	puts("}");
}

void verb_env(char **args)
{
	(void)args;
	putchar('[');
	for (char **entry = environ; *entry; entry++) {
		if (entry != environ)
			putchar(',');
		put_string(*entry);
	}
	puts("]");
}

void verb_cwd(char **args)
{
	(void)args;
	/* The system call, because glibc turns the kernel's "(unreachable)" prefix into ENOENT. */
	char path[PATH_MAX];
	long length = syscall(SYS_getcwd, path, sizeof(path));
	if (length < 0) {
		put_outcome(-1);
		return;
	}
	put_string(path);
	putchar('\n');
}

/* Seconds on the clocks affected by a time namespace. */
void verb_clocks(char **args)
{
	(void)args;
	struct timespec monotonic, boottime;

	clock_gettime(CLOCK_MONOTONIC, &monotonic);
	clock_gettime(CLOCK_BOOTTIME, &boottime);
	printf("{\"monotonic\":%lld,\"boottime\":%lld}\n", (long long)monotonic.tv_sec,
		(long long)boottime.tv_sec);
}

void verb_uts(char **args)
{
	(void)args;
	struct utsname uts;

	uname(&uts);
	printf("{\"hostname\":");
	put_string(uts.nodename);
	printf(",\"domainname\":");
	put_string(uts.domainname);
	printf(",\"machine\":");
	put_string(uts.machine);
	puts("}");
}

void verb_sched(char **args)
{
	(void)args;
	struct {
		unsigned size, policy;
		unsigned long long flags;
		int nice;
		unsigned priority;
		unsigned long long runtime, deadline, period;
	} attributes = {.size = 48};

	syscall(SYS_sched_getattr, 0, &attributes, sizeof(attributes), 0);
	printf("{\"policy\":%u,\"nice\":%d,\"priority\":%u,\"flags\":%llu,\"ioprio\":%ld,\"personality\":%d",
		attributes.policy, attributes.nice, attributes.priority, attributes.flags,
		syscall(SYS_ioprio_get, 1, 0), personality(0xffffffff));
	printf(",\"runtime\":%llu,\"deadline\":%llu,\"period\":%llu}\n", attributes.runtime,
		attributes.deadline, attributes.period);
}

/* The memory policy: {"mode": number with flags, "nodes": the first 64 nodes as bits in hexadecimal}. */
void verb_mempolicy(char **args)
{
	(void)args;
	int mode = -1;
	unsigned long nodes[16] = {0};
	if (syscall(SYS_get_mempolicy, &mode, nodes, sizeof(nodes) * 8, NULL, 0) < 0) {
		put_outcome(-1);
		return;
	}
	printf("{\"mode\":%d,\"nodes\":\"%lx\"}\n", mode, nodes[0]);
}
