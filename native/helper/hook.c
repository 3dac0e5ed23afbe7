#include "hook.h"

#include "filter.h"
#include "signals.h"
#include "sys.h"

#include <linux/poll.h>
#include <linux/wait.h>

struct hook_pipes {
	int input; /* memfd with the whole stdin */
	int out[2], err[2];
	int failed[2]; /* carries the errno of a failed execve */
};

static void close_pipes(struct hook_pipes *pipes)
{
	rt_close(&pipes->input);
	for (int i = 0; i < 2; i++) {
		rt_close(&pipes->out[i]);
		rt_close(&pipes->err[i]);
		rt_close(&pipes->failed[i]);
	}
}

static int open_pipes(struct hook_pipes *pipes, const struct rt_iovec *input, int parts)
{
	size_t length = 0;
	for (int i = 0; i < parts; i++)
		length += input[i].length;
	pipes->input = (int)rt_sys(memfd_create, "state", 1 /* MFD_CLOEXEC */);
	if (pipes->input < 0)
		return pipes->input;
	long status = rt_sys(writev, pipes->input, input, parts);
	if (status >= 0 && (size_t)status != length)
		status = -ENOSPC;
	if (status >= 0)
		status = rt_sys(lseek, pipes->input, 0, 0);
	if (status >= 0)
		status = rt_sys(pipe2, pipes->out, O_CLOEXEC);
	if (status >= 0)
		status = rt_sys(pipe2, pipes->err, O_CLOEXEC);
	if (status >= 0)
		status = rt_sys(pipe2, pipes->failed, O_CLOEXEC);
	return (int)status;
}

/* dup3(2) refuses equal descriptors, which occur if the caller had closed a standard descriptor. */
static long place(int from, int to)
{
	return from == to ? rt_sys(fcntl, to, 2 /* F_SETFD */, 0) : rt_sys(dup3, from, to, 0);
}

/* Closed now instead of on exec: execve resolves container paths, which may lead through a descriptor
 * (/proc/self/fd). */
static long close_all_but(int kept)
{
	enum { FIRST = 3 };
	if (kept < FIRST)
		return rt_sys(close_range, FIRST, ~0u, 0);
	long status = kept > FIRST ? rt_sys(close_range, FIRST, kept - 1, 0) : 0;
	return status < 0 ? status : rt_sys(close_range, kept + 1, ~0u, 0);
}

/* After the clone: only system calls. */
static _Noreturn void hook_child(const struct hook_pipes *pipes, const char *path, const char *const *args,
	const char *const *env, int directory, const int outputs[2], const struct rt_filter *filter)
{
	const int failed = pipes->failed[1];
	rt_default_signals();
	rt_sys(setpgid, 0, 0);
	long status = directory >= 0 ? rt_sys(fchdir, directory) : 0;
	if (status >= 0)
		status = place(pipes->input, 0);
	if (status >= 0)
		status = place(outputs[0] >= 0 ? outputs[0] : pipes->out[1], 1);
	if (status >= 0)
		status = place(outputs[1] >= 0 ? outputs[1] : pipes->err[1], 2);
	if (status >= 0)
		status = close_all_but(failed);
	/* Last, so that the filter need not allow our own system calls. */
	if (status >= 0 && filter != NULL)
		status = rt_filter_load(filter);
	if (status >= 0)
		status = rt_sys(execve, path, args, env);
	uint32_t error = (uint32_t)-status;
	rt_sys(write, failed, &error, sizeof(error));
	rt_leave(127);
}

/* Reads available data; keeps the last RT_HOOK_OUTPUT_MAX bytes. False at end of file. */
static bool drain(int fd, char *kept, uint32_t *length)
{
	char chunk[1024];
	long size = rt_sys(read, fd, chunk, sizeof(chunk));
	if (size <= 0)
		return false;
	uint32_t over = 0;
	if (*length + (uint32_t)size > RT_HOOK_OUTPUT_MAX)
		over = *length + (uint32_t)size - RT_HOOK_OUTPUT_MAX;
	*length -= over;
	for (uint32_t i = 0; over > 0 && i < *length; i++)
		kept[i] = kept[i + over];
	for (long i = 0; i < size; i++)
		kept[(*length)++] = chunk[i];
	for (int i = 0; over > 0 && i < 3; i++)
		kept[i] = '.';
	return true;
}

static int64_t now_ms(void)
{
	struct {
		int64_t seconds, nanoseconds;
	} time;
	rt_sys(clock_gettime, 1 /* CLOCK_MONOTONIC */, &time);
	return time.seconds * 1000 + time.nanoseconds / 1000000;
}

/* Waits for the hook itself, because processes it leaves behind may keep its outputs open. Returns 0,
 * -ETIMEDOUT or another negative errno. */
static int wait_for_end(
	int pidfd, struct hook_pipes *pipes, uint32_t timeout_ms, struct rt_hook_result *result)
{
	int64_t deadline = now_ms() + timeout_ms;
	struct pollfd polls[3] = {{pidfd, POLLIN, 0}, {pipes->out[0], POLLIN, 0}, {pipes->err[0], POLLIN, 0}};
	for (;;) {
		int64_t left = deadline - now_ms();
		struct {
			int64_t seconds, nanoseconds;
		} limit = {left / 1000, left % 1000 * 1000000};
		if (timeout_ms > 0 && left <= 0)
			return -ETIMEDOUT;
		long ready = rt_sys(ppoll, polls, 3, timeout_ms > 0 ? &limit : NULL, NULL, 0);
		if (ready < 0 && ready != -EINTR)
			return (int)ready;
		if (ready <= 0)
			continue;
		if (polls[1].revents != 0 && !drain(pipes->out[0], result->out, &result->out_length))
			polls[1].fd = -1;
		if (polls[2].revents != 0 && !drain(pipes->err[0], result->err, &result->err_length))
			polls[2].fd = -1;
		if (polls[0].revents != 0)
			return 0;
	}
}

/* What the hook itself has written: processes that it left behind may go on writing. */
static void drain_rest(int fd, char *kept, uint32_t *length)
{
	enum { READS_OF_LARGEST_PIPE = 1024 };
	struct pollfd poll = {fd, POLLIN, 0};
	struct {
		int64_t seconds, nanoseconds;
	} zero = {0, 0};
	for (int i = 0; i < READS_OF_LARGEST_PIPE && rt_sys(ppoll, &poll, 1, &zero, NULL, 0) == 1; i++)
		if (!drain(fd, kept, length))
			return;
}

int rt_hook_run(const char *path, const char *const *args, const char *const *env, int directory,
	const struct rt_iovec *input, int parts, uint32_t timeout_ms, const int outputs[2],
	const struct rt_filter *filter, struct rt_hook_result *result)
{
	__attribute__((cleanup(close_pipes))) struct hook_pipes pipes = {-1, {-1, -1}, {-1, -1}, {-1, -1}};
	RT_CLEANUP_FD int pidfd = -1;
	int child_pidfd = -1;
	*result = (struct rt_hook_result){0};
	int status = open_pipes(&pipes, input, parts);
	if (status < 0)
		return status;
	/* Not clone3(2), which many seccomp profiles refuse; the filter may already be loaded. */
	long pid = rt_sys(clone, CLONE_PIDFD | SIGCHLD, 0, &child_pidfd, 0, 0);
	if (pid < 0)
		return (int)pid;
	if (pid == 0)
		hook_child(&pipes, path, args, env, directory, outputs, filter);
	pidfd = child_pidfd;
	rt_close(&pipes.out[1]);
	rt_close(&pipes.err[1]);
	rt_close(&pipes.failed[1]);
	int ended = wait_for_end(pidfd, &pipes, timeout_ms, result);
	if (ended < 0 && rt_sys(kill, -pid, SIGKILL) < 0)
		rt_sys(kill, pid, SIGKILL);
	int raw = 0;
	long waited;
	while ((waited = rt_sys(wait4, pid, &raw, 0, NULL)) == -EINTR)
		;
	/* A seccomp filter may refuse wait4 or fake the result 0: the exit status is then unknown. */
	if (waited != pid)
		return waited < 0 ? (int)waited : -ECHILD;
	if (ended < 0 && ended != -ETIMEDOUT)
		return ended;
	drain_rest(pipes.out[0], result->out, &result->out_length);
	drain_rest(pipes.err[0], result->err, &result->err_length);
	uint32_t error;
	if (ended < 0) {
		result->outcome = RT_HOOK_TIMED_OUT;
	} else if (rt_sys(read, pipes.failed[0], &error, sizeof(error)) == sizeof(error)) {
		result->outcome = RT_HOOK_NOT_RUN;
		result->value = error;
	} else if ((raw & 0x7f) != 0) {
		result->outcome = RT_HOOK_SIGNALLED;
		result->value = (uint32_t)raw & 0x7f;
	} else {
		result->outcome = RT_HOOK_EXITED;
		result->value = (uint32_t)raw >> 8 & 0xff;
	}
	return 0;
}
