/* Foreground `run`: signals are forwarded, children reaped, until the container's process has ended. */
#include "functions.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

rt_function rt_fn_catchSignals, rt_fn_superviseChild;

/* A handler has no other way to its data; Node's threads make blocking and waiting for signals unreliable. */
static int signal_pipe[2];

static void note_signal(int number)
{
	int saved = errno;
	unsigned char byte = (unsigned char)number;
	(void)!write(signal_pipe[1], &byte, 1);
	errno = saved;
}

int64_t rt_fn_catchSignals(const struct rt_value *args, struct rt_result *result)
{
	(void)args;
	(void)result;
	if (pipe2(signal_pipe, O_CLOEXEC) < 0)
		return -errno;
	fcntl(signal_pipe[1], F_SETFL, O_NONBLOCK);
	static const int left_alone[] = {
		SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGURG, SIGWINCH, SIGTTIN, SIGTTOU};
	struct sigaction action = {.sa_handler = note_signal, .sa_flags = SA_RESTART};
	sigfillset(&action.sa_mask);
	for (int number = 1; number <= SIGRTMAX; number++) {
		int known = 0;
		for (size_t i = 0; i < sizeof(left_alone) / sizeof(left_alone[0]); i++)
			known |= left_alone[i] == number;
		if (!known)
			sigaction(number, &action,
				NULL); /* libc keeps two real-time signals for itself: EINVAL */
	}
	return 0;
}

/* Reaps what has ended; 1 when `pid` was among it, with its raw status. */
static int reap(pid_t pid, int *raw)
{
	int status, found = 0;
	pid_t ended;
	while ((ended = waitpid(-1, &status, WNOHANG)) > 0) {
		if (ended != pid)
			continue;
		*raw = status;
		found = 1;
	}
	return found;
}

int64_t rt_fn_superviseChild(const struct rt_value *args, struct rt_result *result)
{
	(void)result;
	pid_t pid = (pid_t)args[0].integer;
	int raw = 0;
	/* A child that ended before the handlers were there has sent no signal that they could see. */
	while (!reap(pid, &raw)) {
		unsigned char number;
		ssize_t size = read(signal_pipe[0], &number, 1);
		if (size < 0 && errno != EINTR)
			return -errno;
		if (size == 1 && number != SIGCHLD)
			kill(pid, number);
	}
	return raw;
}
