/* The wait for a container's start, which a pool of sandboxes may leave for hours: an engine that waits holds a megabyte. The
 * runtime executes itself again, which keeps its children, and waits here, before its engine runs. */
#include "await_start.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../generated/protocol.h"
#include "functions.h"
#include "result.h"

rt_function rt_fn_awaitStartLeanly, rt_fn_awaitedStart;

char **rt_arguments;

static const char variable[] = "RT_AWAIT_START";
enum { CLOSED = -1, UNHEARD, HEARD };

static struct {
	int control; /* -1 if this process has not waited */
	int pid;     /* of init */
	int outcome;
} awaited = {.control = -1};

/* Returns only if the execution failed. Arguments: the descriptor on which init waits for the go-ahead, the lifeline, a pidfd
 * and the pid of init. */
int64_t rt_fn_awaitStartLeanly(const struct rt_value *args, struct rt_result *result)
{
	(void)result;
	if (!rt_arguments)
		return -ENOSYS;
	char text[64];
	int descriptors[3];
	for (int i = 0; i < 3; i++)
		descriptors[i] = (int)args[i].integer;
	snprintf(text, sizeof(text), "%d %d %d %d", descriptors[0], descriptors[1], descriptors[2],
		(int)args[3].integer);
	if (setenv(variable, text, 1) < 0)
		return -errno;
	int flags[3];
	for (int i = 0; i < 3; i++) {
		flags[i] = fcntl(descriptors[i], F_GETFD);
		fcntl(descriptors[i], F_SETFD, 0);
	}
	rt_hold_signals();
	execv("/proc/self/exe", rt_arguments);
	int error = errno;
	rt_release_signals();
	for (int i = 0; i < 3; i++)
		fcntl(descriptors[i], F_SETFD, flags[i]);
	unsetenv(variable);
	return -error;
}

/* As awaitLine of src/container/lifeline.ts: false if the other end was closed, true as well if init has ended. */
static bool await_line(int lifeline, int pidfd)
{
	struct pollfd wanted[] = {{.fd = lifeline, .events = POLLIN}, {.fd = pidfd, .events = POLLIN}};
	for (;;) {
		if (poll(wanted, 2, -1) < 0)
			continue;
		if (wanted[0].revents == 0)
			return true;
		char byte;
		ssize_t got = recv(lifeline, &byte, 1, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0 || byte == '\n')
			return got > 0;
	}
}

/* Exactly `count` numbers with a space between. */
static bool read_numbers(const char *text, int *numbers, int count)
{
	for (int i = 0; i < count; i++) {
		char *end;
		long number = strtol(text, &end, 10);
		if (end == text || number < 0 || number > INT_MAX || *end != (i + 1 < count ? ' ' : '\0'))
			return false;
		numbers[i] = (int)number;
		text = end + 1;
	}
	return true;
}

/* Whether the process is a child of this one: those of another one, whose variable came here, are not. */
static bool is_own_child(int pidfd)
{
	siginfo_t info;
	return pidfd >= 0 && waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0;
}

void rt_await_leanly(void)
{
	const char *text = getenv(variable);
	int numbers[4];
	if (!text)
		return;
	bool understood = read_numbers(text, numbers, 4);
	/* Hooks inherit the environment. */
	unsetenv(variable);
	if (!understood || !is_own_child(numbers[2]))
		return;
	const int control = numbers[0], lifeline = numbers[1], pidfd = numbers[2];
	int outcome = CLOSED;
	if (await_line(lifeline, pidfd)) {
		/* Init need not wait for the engine. */
		const uint8_t go_ahead = RT_WAIT_START;
		outcome = send(control, &go_ahead, 1, MSG_NOSIGNAL) == 1 ? HEARD : UNHEARD;
	}
	close(pidfd);
	fcntl(control, F_SETFD, FD_CLOEXEC);
	awaited.control = control;
	awaited.pid = numbers[3];
	awaited.outcome = outcome;
}

int64_t rt_fn_awaitedStart(const struct rt_value *args, struct rt_result *result)
{
	(void)args;
	if (awaited.control < 0)
		return -ENOENT;
	result->numbers[result->count++] = awaited.control;
	result->numbers[result->count++] = awaited.pid;
	result->numbers[result->count++] = awaited.outcome;
	return 0;
}
