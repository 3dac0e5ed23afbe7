/* Native functions on processes, the environment and the clock. */
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>

#include "prefault.h"
#include "result.h"

/* glibc declares these in <sys/pidfd.h> only since 2.36; the numbers are the same on all architectures. */
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif

/* Embedded at build time (embedded.S). */
extern const char rt_schema_start[], rt_schema_end[];

int64_t rt_fn_getEnv(const struct rt_value *args, struct rt_result *result)
{
	const char *value = getenv(args[0].data);
	return value ? rt_result_copy(result, value, strlen(value)) : -ENOENT;
}

int64_t rt_fn_getCwd(const struct rt_value *args, struct rt_result *result)
{
	(void)args;
	char path[PATH_MAX];
	if (!getcwd(path, sizeof(path)))
		return -errno;
	return rt_result_copy(result, path, strlen(path));
}

/* Defined only in the rt binary. */
__attribute__((weak)) void rt_heap_prefault(enum rt_heap_use use);

int64_t rt_fn_prefaultHeap(const struct rt_value *args, struct rt_result *result)
{
	(void)args;
	(void)result;
	if (rt_heap_prefault)
		rt_heap_prefault(RT_HEAP_PLAN);
	return 0;
}

int64_t rt_fn_effectiveUid(const struct rt_value *args, struct rt_result *result)
{
	(void)args, (void)result;
	return geteuid();
}

int64_t rt_fn_processId(const struct rt_value *args, struct rt_result *result)
{
	(void)args, (void)result;
	return getpid();
}

int64_t rt_fn_realTime(const struct rt_value *args, struct rt_result *result)
{
	(void)args;
	struct timespec now;
	if (clock_gettime(CLOCK_REALTIME, &now) < 0)
		return -errno;
	result->numbers[0] = now.tv_sec;
	result->numbers[1] = now.tv_nsec;
	result->count = 2;
	return 0;
}

int64_t rt_fn_localTime(const struct rt_value *args, struct rt_result *result)
{
	time_t seconds = (time_t)args[0].integer;
	struct tm local;
	if (!localtime_r(&seconds, &local))
		return -errno;
	const int numbers[] = {
		1900 + local.tm_year, local.tm_mon, local.tm_mday, local.tm_hour, local.tm_min};
	result->count = sizeof(numbers) / sizeof(numbers[0]);
	for (size_t i = 0; i < result->count; i++)
		result->numbers[i] = numbers[i];
	return 0;
}

int64_t rt_fn_nonce(const struct rt_value *args, struct rt_result *result)
{
	(void)args;
	uint64_t bits;
	char text[sizeof("0123456789abcdef")];
	/* Early in boot, getrandom without this flag would block; a unique name does not need full entropy. */
	if (getrandom(&bits, sizeof(bits), GRND_INSECURE) != sizeof(bits))
		return -errno;
	snprintf(text, sizeof(text), "%016" PRIx64, bits);
	return rt_result_copy(result, text, sizeof(text) - 1);
}

int64_t rt_fn_configSchema(const struct rt_value *args, struct rt_result *result)
{
	(void)args;
	return rt_result_copy(result, rt_schema_start, (size_t)(rt_schema_end - rt_schema_start));
}

int64_t rt_fn_kernel(const struct rt_value *args, struct rt_result *result)
{
	(void)args;
	struct utsname name;
	if (uname(&name) < 0)
		return -errno;
	char text[sizeof(name.release) + sizeof(name.machine)];
	size_t release = strlen(name.release) + 1, machine = strlen(name.machine) + 1;
	memcpy(text, name.release, release);
	memcpy(text + release, name.machine, machine);
	return rt_result_copy(result, text, release + machine);
}

int64_t rt_fn_isTerminal(const struct rt_value *args, struct rt_result *result)
{
	(void)result;
	return isatty((int)args[0].integer);
}

int64_t rt_fn_pidfdOpen(const struct rt_value *args, struct rt_result *result)
{
	(void)result;
	return rt_checked(syscall(SYS_pidfd_open, (pid_t)args[0].integer, 0u));
}

int64_t rt_fn_pidfdSignal(const struct rt_value *args, struct rt_result *result)
{
	(void)result;
	return rt_checked(
		syscall(SYS_pidfd_send_signal, (int)args[0].integer, (int)args[1].integer, NULL, 0u));
}

static int64_t milliseconds_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A pidfd becomes readable when the process is a zombie or has been reaped. */
int64_t rt_fn_pidfdWait(const struct rt_value *args, struct rt_result *result)
{
	(void)result;
	int64_t timeout = args[1].integer;
	int64_t deadline = timeout < 0 ? 0 : milliseconds_now() + timeout;
	for (;;) {
		struct pollfd wanted = {.fd = (int)args[0].integer, .events = POLLIN};
		int ready = poll(&wanted, 1, timeout < 0 ? -1 : (int)(timeout < INT_MAX ? timeout : INT_MAX));
		if (ready > 0)
			return wanted.revents & POLLNVAL ? -EBADF : 1;
		if (ready < 0 && errno != EINTR)
			return -errno;
		if (args[1].integer >= 0) {
			timeout = deadline - milliseconds_now();
			if (timeout <= 0)
				return 0;
		}
	}
}

int64_t rt_fn_signalProcess(const struct rt_value *args, struct rt_result *result)
{
	(void)result;
	/* kill(2) takes 0 and -1 as "my process group" and "every process", which a caller with one pid never
	 * wants. */
	if (args[0].integer <= 0 || args[0].integer > INT_MAX)
		return -EINVAL;
	return rt_checked(kill((pid_t)args[0].integer, (int)args[1].integer));
}

int64_t rt_fn_becomeSubreaper(const struct rt_value *args, struct rt_result *result)
{
	(void)args, (void)result;
	return rt_checked(prctl(PR_SET_CHILD_SUBREAPER, 1L, 0L, 0L, 0L));
}

int64_t rt_fn_exit(const struct rt_value *args, struct rt_result *result)
{
	(void)result;
	_exit((int)args[0].integer);
}

/* proc_pid_stat(5). The name of the program, field 2, may itself contain blanks and parentheses. */
int64_t rt_fn_processStat(const struct rt_value *args, struct rt_result *result)
{
	enum { AFTER_NAME = 3, FLAGS = 9, START_TIME = 22, LONGEST = 4096 };
	char path[32], text[LONGEST];
	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)args[0].integer);
	/* musl's open repeats O_CLOEXEC with an fcntl. */
	RT_CLOSE_FD int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NOCTTY, 0);
	ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (length < 0)
		return -errno;
	text[length] = '\0';
	const char *at = strrchr(text, ')');
	if (!at || at[1] != ' ' || !at[2])
		return -EBADMSG;
	at += 2;
	result->numbers[0] = (unsigned char)*at;
	for (int field = AFTER_NAME; field <= START_TIME; field++) {
		if (field == FLAGS)
			result->numbers[1] = (int64_t)strtoll(at, NULL, 10);
		if (field == START_TIME)
			result->numbers[2] = (int64_t)strtoll(at, NULL, 10);
		at = strchr(at, ' ');
		if (!at)
			return -EBADMSG;
		at++;
	}
	result->count = 3;
	return 0;
}
