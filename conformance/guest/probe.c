/*
 * The program the conformance cases run inside a container: one verb per question, one line of JSON per verb.
 *
 *   probe VERB [ARGUMENT...] [-- VERB [ARGUMENT...]]...
 *
 * Static and without a shell, so that a case observes the container and not what an interpreter made of it. A
 * verb that tries something reports {"errno": NAME}, with null for success; only a wrong call of the probe itself
 * ends with status 99.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <time.h>
#include <stddef.h>
#include <linux/seccomp.h>
#include <linux/filter.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "json.h"
#include "verbs.h"

extern char **environ;

#define BAD_CALL 99

/* {"errno": NAME} for a call that returned `result` and left errno behind. */
static void put_outcome(long result)
{
	if (result >= 0) {
		puts("{\"errno\":null}");
		return;
	}
	const char *name = strerrorname_np(errno);

	printf("{\"errno\":\"%s\"}\n", name ? name : "?");
}

/* Whole text of a file, or NULL with errno set. The caller frees it. */
static char *read_text(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return NULL;
	size_t size = 0, room = 4096;
	char *text = malloc(room + 1);

	for (;;) {
		ssize_t got = read(fd, text + size, room - size);
		if (got < 0) {
			int saved = errno;
			free(text);
			close(fd);
			errno = saved;
			return NULL;
		}
		if (got == 0)
			break;
		size += (size_t)got;
		if (size == room) {
			room *= 2;
			text = realloc(text, room + 1);
		}
	}
	text[size] = '\0';
	close(fd);
	return text;
}

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

static void verb_ids(char **args)
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

static void verb_ns(char **args)
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

/* Every descriptor with what it points to and its flags; the one used for reading the directory is left out. */
static void verb_fds(char **args)
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

static void verb_rlimits(char **args)
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
		/* Strings: the values have 64 bits and JSON numbers in JavaScript have 53. */
		printf("%s\"%s\":[\"%llu\",\"%llu\"]", i ? "," : "", limits[i].name,
			(unsigned long long)limit.rlim_cur, (unsigned long long)limit.rlim_max);
	}
	puts("}");
}

static void verb_env(char **args)
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

static void verb_cwd(char **args)
{
	(void)args;
	/* The system call, not the library's: glibc hides the kernel's "(unreachable)" prefix behind ENOENT. */
	char path[PATH_MAX];
	long length = syscall(SYS_getcwd, path, sizeof(path));
	if (length < 0) {
		put_outcome(-1);
		return;
	}
	put_string(path);
	putchar('\n');
}

/* Seconds on the clocks that a time namespace moves. */
static void verb_clocks(char **args)
{
	(void)args;
	struct timespec monotonic, boottime;

	clock_gettime(CLOCK_MONOTONIC, &monotonic);
	clock_gettime(CLOCK_BOOTTIME, &boottime);
	printf("{\"monotonic\":%lld,\"boottime\":%lld}\n", (long long)monotonic.tv_sec,
		(long long)boottime.tv_sec);
}

/*
 * watch FILE: until FILE exists, looks at every process of the pid namespace but itself. Says which capabilities
 * any of them ever had, and how many different ones there were.
 */
static void verb_watch(char **args)
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

static void verb_uts(char **args)
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

static void verb_sched(char **args)
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
static void verb_mempolicy(char **args)
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

static void verb_stat(char **args)
{
	struct stat st;
	if (lstat(args[0], &st) < 0) {
		put_outcome(-1);
		return;
	}
	static const struct {
		mode_t mode;
		const char *name;
	} types[] = {
		{S_IFREG, "file"},
		{S_IFDIR, "directory"},
		{S_IFLNK, "link"},
		{S_IFCHR, "char"},
		{S_IFBLK, "block"},
		{S_IFIFO, "fifo"},
		{S_IFSOCK, "socket"},
	};
	const char *type = "?";
	char link[PATH_MAX] = "";

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if ((st.st_mode & S_IFMT) == types[i].mode)
			type = types[i].name;
	if (S_ISLNK(st.st_mode) && readlink(args[0], link, sizeof(link) - 1) < 0)
		link[0] = '\0';
	printf("{\"errno\":null,\"type\":\"%s\",\"mode\":%u,\"uid\":%u,\"gid\":%u,\"major\":%u,\"minor\":%u,"
	       "\"size\":%lld,"
	       "\"inode\":\"%llu\",\"device\":\"%llu\",\"link\":",
		type, st.st_mode & 07777, st.st_uid, st.st_gid, major(st.st_rdev), minor(st.st_rdev),
		(long long)st.st_size, (unsigned long long)st.st_ino, (unsigned long long)st.st_dev);
	put_string(link);
	puts("}");
}

static void verb_read(char **args)
{
	char *text = read_text(args[0]);
	if (!text) {
		put_outcome(-1);
		return;
	}
	printf("{\"errno\":null,\"text\":");
	put_string(text);
	puts("}");
	free(text);
}

static void verb_list(char **args)
{
	struct dirent **entries;
	int count = scandir(args[0], &entries, NULL, alphasort);
	if (count < 0) {
		put_outcome(-1);
		return;
	}
	bool first = true;

	printf("{\"errno\":null,\"names\":[");
	for (int i = 0; i < count; i++) {
		if (strcmp(entries[i]->d_name, ".") == 0 || strcmp(entries[i]->d_name, "..") == 0)
			continue;
		if (!first)
			putchar(',');
		first = false;
		put_string(entries[i]->d_name);
	}
	puts("]}");
}

static void try_open(const char *path, int flags, const char *text)
{
	int fd = open(path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0644);
	long result = fd;

	if (fd >= 0 && text)
		result = write(fd, text, strlen(text));
	put_outcome(result);
	if (fd >= 0)
		close(fd);
}

static void verb_open(char **args)
{
	try_open(args[0],
		strcmp(args[1], "r") == 0   ? O_RDONLY
		: strcmp(args[1], "w") == 0 ? O_WRONLY
					    : O_RDWR,
		NULL);
}

static void verb_write(char **args)
{
	try_open(args[0], O_WRONLY, args[1]);
}

static void verb_create(char **args)
{
	try_open(args[0], O_WRONLY | O_CREAT | O_EXCL, "x");
}

static void verb_mkdir(char **args)
{
	put_outcome(mkdir(args[0], 0755));
}

static void verb_unlink(char **args)
{
	put_outcome(unlink(args[0]));
}

static void verb_chmod(char **args)
{
	put_outcome(chmod(args[0], (mode_t)strtoul(args[1], NULL, 8)));
}

/* mknod PATH b|c|p MAJOR MINOR */
static void verb_mknod(char **args)
{
	mode_t type = args[1][0] == 'b' ? S_IFBLK : args[1][0] == 'p' ? S_IFIFO : S_IFCHR;

	put_outcome(mknod(args[0], type | 0600, makedev((unsigned)atoi(args[2]), (unsigned)atoi(args[3]))));
}

/* mount SOURCE TARGET TYPE FLAGS */
static void verb_mount(char **args)
{
	put_outcome(mount(args[0], args[1], args[2], strtoul(args[3], NULL, 0), NULL));
}

static void verb_umount(char **args)
{
	put_outcome(umount2(args[0], MNT_DETACH));
}

/* Runs a file and reports how that ended, to see noexec and file modes at work. */
static void verb_exec(char **args)
{
	fflush(stdout);
	int report[2];
	if (pipe2(report, O_CLOEXEC) < 0) {
		put_outcome(-1);
		return;
	}
	pid_t pid = fork();
	if (pid == 0) {
		char *const argv[] = {args[0], "nothing", NULL};
		execv(args[0], argv);
		int error = errno;
		_exit(write(report[1], &error, sizeof(error)) < 0 ? BAD_CALL : BAD_CALL);
	}
	close(report[1]);
	int error = 0;
	ssize_t got = read(report[0], &error, sizeof(error));

	close(report[0]);
	waitpid(pid, NULL, 0);
	errno = error;
	put_outcome(got > 0 ? -1 : 0);
}

/* Touches so many bytes, page by page. Ends by itself only when the kernel allows it. */
static void verb_memhog(char **args)
{
	size_t size = strtoull(args[0], NULL, 0);
	char *memory = malloc(size);
	if (!memory) {
		put_outcome(-1);
		return;
	}
	for (size_t at = 0; at < size; at += 4096)
		*(volatile char *)(memory + at) = 1;
	put_outcome(0);
}

/* Starts up to N waiting children: how many there were, and the error that stopped it. */
static void verb_fork(char **args)
{
	int wanted = atoi(args[0]), made = 0, error = 0;
	pid_t *pids = calloc((size_t)wanted, sizeof(*pids));

	fflush(stdout);
	for (; made < wanted; made++) {
		pids[made] = fork();
		if (pids[made] < 0) {
			error = errno;
			break;
		}
		if (pids[made] == 0) {
			pause();
			_exit(0);
		}
	}
	for (int i = 0; i < made; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	free(pids);
	printf("{\"made\":%d,\"errno\":", made);
	if (error)
		put_string(strerrorname_np(error));
	else
		printf("null");
	puts("}");
}

/* syscall NUMBER [ARGUMENT...]: in a child, so that a filter that kills is an observation too. */
static void verb_syscall(char **args)
{
	long values[6] = {0};
	long number = strtol(args[0], NULL, 0);

	for (int i = 0; i < 6 && args[i + 1]; i++)
		values[i] = (long)strtoull(args[i + 1], NULL, 0);
	fflush(stdout);
	int report[2];
	if (pipe2(report, O_CLOEXEC) < 0) {
		put_outcome(-1);
		return;
	}
	pid_t pid = fork();
	if (pid == 0) {
		long result =
			syscall(number, values[0], values[1], values[2], values[3], values[4], values[5]);
		int error = result < 0 ? errno : 0;
		_exit(write(report[1], &error, sizeof(error)) == sizeof(error) ? 0 : BAD_CALL);
	}
	close(report[1]);
	int error = 0, status = 0;

	if (read(report[0], &error, sizeof(error)) < 0)
		error = EIO;
	close(report[0]);
	waitpid(pid, &status, 0);
	if (WIFSIGNALED(status)) {
		printf("{\"killed\":%d}\n", WTERMSIG(status));
		return;
	}
	errno = error;
	put_outcome(error ? -1 : 0);
}

static void *call_in_thread(void *number)
{
	syscall(*(long *)number, 0);
	return NULL;
}

/* thread NUMBER: the call in a thread of its own, and whether the process is still there when the thread has ended. */
static void verb_thread(char **args)
{
	long number = strtol(args[0], NULL, 0);
	int status = 0;

	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		pthread_t thread;
		if (pthread_create(&thread, NULL, call_in_thread, &number) != 0)
			_exit(BAD_CALL);
		pthread_join(thread, NULL);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	if (WIFSIGNALED(status))
		printf("{\"killed\":%d}\n", WTERMSIG(status));
	else
		printf("{\"survived\":%s}\n", WEXITSTATUS(status) == 0 ? "true" : "false");
}

/* i386 NUMBER: a call as programs of 32 bits make it, with an address that is none. */
static void verb_i386(char **args)
{
	long number = strtol(args[0], NULL, 0);
	int status = 0;

	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		long result = -ENOSYS;
#ifdef __x86_64__
		__asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(1L), "c"(0L) : "memory");
#endif
		_exit(result < 0 ? (int)-result : 0);
	}
	waitpid(pid, &status, 0);
	if (WIFSIGNALED(status)) {
		printf("{\"killed\":%d}\n", WTERMSIG(status));
		return;
	}
	errno = WEXITSTATUS(status);
	put_outcome(errno ? -1 : 0);
}

static void on_signal(int number)
{
	char line[32];
	int length = snprintf(line, sizeof(line), "{\"signal\":%d}\n", number);

	_exit(write(STDOUT_FILENO, line, (size_t)length) == length ? number : BAD_CALL);
}

/* Waits for ever; a catchable signal is printed and becomes the exit status. */
static void verb_wait(char **args)
{
	(void)args;
	struct sigaction action = {.sa_handler = on_signal};

	/* Those whose default is to be ignored stay so: runtimes written in Go send themselves SIGURG and pass it on. */
	for (int number = 1; number < 32; number++)
		if (number != SIGCHLD && number != SIGURG && number != SIGWINCH && number != SIGCONT)
			sigaction(number, &action, NULL);
	puts("{\"ready\":true}");
	fflush(stdout);
	for (;;)
		pause();
}

/* Waits with every signal at its default action, as a careless program does. */
static void verb_pause(char **args)
{
	(void)args;
	fflush(stdout);
	for (;;)
		pause();
}

static void verb_exit(char **args)
{
	fflush(stdout);
	_exit(atoi(args[0]));
}

/* Dies of a fault: the only signal that kills a pid 1 from inside. */
static void verb_fault(char **args)
{
	(void)args;
	fflush(stdout);
	__builtin_trap();
}

/* echo TEXT: the text as it is, to see bytes pass through a pipe. */
static void verb_echo(char **args)
{
	fputs(args[0], stdout);
}

static void verb_stderr(char **args)
{
	fputs(args[0], stderr);
}

static void verb_stdin(char **args)
{
	(void)args;
	char *text = read_text("/proc/self/fd/0");
	char buffer[4096];
	ssize_t got = text ? -1 : read(0, buffer, sizeof(buffer) - 1);

	buffer[got < 0 ? 0 : got] = '\0';
	put_string(text ? text : buffer);
	putchar('\n');
	free(text);
}

/* sd_notify(3): TEXT to the socket that NOTIFY_SOCKET names. */
static void verb_notify(char **args)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *path = getenv("NOTIFY_SOCKET");
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	strncpy(address.sun_path, path ? path : "", sizeof(address.sun_path) - 1);
	put_outcome(sendto(fd, args[0], strlen(args[0]), MSG_NOSIGNAL, (struct sockaddr *)&address,
		sizeof(address)));
	close(fd);
}

static void verb_nothing(char **args)
{
	(void)args;
}

/*
 * Runs on the host: a sub-reaper that runs a command, then says which children it was left with and how they
 * ended. It stands for the shim or monitor of an engine.
 *   subreaper FILE COMMAND ARGUMENT... : writes the pids of its children to FILE when the command has ended.
 */
static int run_subreaper(char **args)
{
	if (!args[0] || !args[1])
		return BAD_CALL;
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	pid_t pid = fork();
	if (pid == 0) {
		execvp(args[1], args + 1);
		_exit(127);
	}
	int status = 0;

	waitpid(pid, &status, 0);
	char *children = read_text("/proc/thread-self/children");
	FILE *file = fopen(args[0], "we");
	if (!file)
		return BAD_CALL;
	fprintf(file, "%d %s\n", WEXITSTATUS(status), children ? children : "");
	fclose(file);
	for (pid_t child; (child = waitpid(-1, &status, 0)) > 0;) {
		printf("{\"pid\":%d,\"exited\":%d,\"status\":%d,\"signal\":%d}\n", child, WIFEXITED(status),
			WIFEXITED(status) ? WEXITSTATUS(status) : 0,
			WIFSIGNALED(status) ? WTERMSIG(status) : 0);
		fflush(stdout);
	}
	return 0;
}

/*
 * Runs on the host: a command for which one system call fails as on a kernel that lacks it.
 *   refuse CALL ARGUMENT|- ERRNO COMMAND... : CALL by name, only with ARGUMENT as its first when that is a number.
 */
static int run_refuse(char **args)
{
	static const struct {
		const char *name;
		unsigned number;
	} calls[] = {
		{"unshare", SYS_unshare},
		{"setns", SYS_setns},
		{"open_tree", SYS_open_tree},
		{"fsopen", SYS_fsopen},
		{"mount_setattr", 442},
		{"clone3", SYS_clone3},
		{"keyctl", SYS_keyctl},
	};
	unsigned number = 0, error = 0;

	if (!args[0] || !args[1] || !args[2] || !args[3])
		return BAD_CALL;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (strcmp(args[0], calls[i].name) == 0)
			number = calls[i].number;
	for (int code = 1; code < 134; code++)
		if (strerrorname_np(code) && strcmp(strerrorname_np(code), args[2]) == 0)
			error = (unsigned)code;
	if (number == 0 || error == 0)
		return BAD_CALL;
	bool any = strcmp(args[1], "-") == 0;
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)strtoul(args[1], NULL, 0), 0, any ? 0 : 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
		return BAD_CALL;
	execvp(args[3], args + 3);
	return 127;
}

static const struct {
	const char *name;
	int arguments;
	void (*run)(char **args);
} verbs[] = {
	{"absorb", 2, verb_absorb},
	{"chmod", 2, verb_chmod},
	{"clocks", 0, verb_clocks},
	{"converse", 1, verb_converse},
	{"create", 1, verb_create},
	{"cwd", 0, verb_cwd},
	{"echo", 1, verb_echo},
	{"emit", 2, verb_emit},
	{"env", 0, verb_env},
	{"exec", 1, verb_exec},
	{"exit", 1, verb_exit},
	{"fault", 0, verb_fault},
	{"fds", 0, verb_fds},
	{"fork", 1, verb_fork},
	{"i386", 1, verb_i386},
	{"ids", 0, verb_ids},
	{"list", 1, verb_list},
	{"lock", 1, verb_lock},
	{"memhog", 1, verb_memhog},
	{"mempolicy", 0, verb_mempolicy},
	{"mkdir", 1, verb_mkdir},
	{"mknod", 4, verb_mknod},
	{"mount", 4, verb_mount},
	{"nothing", 0, verb_nothing},
	{"notify", 1, verb_notify},
	{"ns", 0, verb_ns},
	{"open", 2, verb_open},
	{"pause", 0, verb_pause},
	{"read", 1, verb_read},
	{"report", 1, verb_report},
	{"rlimits", 0, verb_rlimits},
	{"sched", 0, verb_sched},
	{"spy", 1, verb_spy},
	{"stat", 1, verb_stat},
	{"stderr", 1, verb_stderr},
	{"stdin", 0, verb_stdin},
	{"syscall", 1, verb_syscall},
	{"thread", 1, verb_thread},
	{"tty", 0, verb_tty},
	{"umount", 1, verb_umount},
	{"unlink", 1, verb_unlink},
	{"uts", 0, verb_uts},
	{"wait", 0, verb_wait},
	{"watch", 1, verb_watch},
	{"winch", 0, verb_winch},
	{"write", 2, verb_write},
};

/* Runs one verb; false when there is no such verb or it lacks arguments. */
static bool run_verb(char **words)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(words[0], verbs[i].name) != 0)
			continue;
		for (int argument = 1; argument <= verbs[i].arguments; argument++)
			if (!words[argument])
				return false;
		verbs[i].run(words + 1);
		fflush(stdout);
		return true;
	}
	return false;
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "refuse") == 0)
		return run_refuse(argv + 2);
	if (argc > 1 && strcmp(argv[1], "subreaper") == 0)
		return run_subreaper(argv + 2);
	for (int start = 1; start < argc;) {
		int end = start;
		while (end < argc && strcmp(argv[end], "--") != 0)
			end++;
		argv[end] = NULL;
		if (end == start || !run_verb(argv + start)) {
			fprintf(stderr, "probe: cannot run verb %s\n", argv[start] ? argv[start] : "(none)");
			return BAD_CALL;
		}
		start = end + 1;
	}
	return 0;
}
