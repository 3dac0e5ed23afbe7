/* Foreground supervision: forwards signals, reaps children, relays a terminal and attends to a lifeline until the process
 * ends. */
#include "functions.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "await_start.h"
#include "notify.h"
#include "relay.h"
#include "result.h"

rt_function rt_fn_catchSignals, rt_fn_superviseChild;

/* Static, for the signal handler. Node's threads make sigwait(3) and blocked signals unreliable. */
static int signal_pipe[2];

enum { SENT = 0x80 /* by a process, not by the kernel */ };

static void note_signal(int number, siginfo_t *info, void *machine)
{
	(void)machine;
	int saved = errno;
	bool sent = info->si_code <= 0;
	unsigned char byte = (unsigned char)(sent ? number | SENT : number);
	/* Job control: this process has used the terminal in the background. */
	if (!sent && (number == SIGTTIN || number == SIGTTOU))
		raise(SIGSTOP);
	else
		(void)!write(signal_pipe[1], &byte, 1);
	errno = saved;
}

int64_t rt_fn_catchSignals(const struct rt_value *args, struct rt_result *result)
{
	(void)args;
	(void)result;
	if (pipe2(signal_pipe, O_CLOEXEC) < 0)
		return -errno;
	fcntl(signal_pipe[0], F_SETFL, O_NONBLOCK);
	fcntl(signal_pipe[1], F_SETFL, O_NONBLOCK);
	/* SIGXFSZ is caused by our own writes, not the program's. */
	static const int left_alone[] = {SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGXFSZ};
	struct sigaction action = {.sa_sigaction = note_signal, .sa_flags = SA_RESTART | SA_SIGINFO};
	sigfillset(&action.sa_mask);
	sigset_t caught;
	sigemptyset(&caught);
	for (int number = 1; number <= SIGRTMAX; number++) {
		int known = 0;
		for (size_t i = 0; i < sizeof(left_alone) / sizeof(left_alone[0]); i++)
			known |= left_alone[i] == number;
		/* libc reserves two real-time signals: EINVAL. */
		if (!known && sigaction(number, &action, NULL) == 0)
			sigaddset(&caught, number);
	}
	/* A caller that uses signalfd(2) may have left them blocked. */
	return pthread_sigmask(SIG_UNBLOCK, &caught, NULL) == 0 ? 0 : -EINVAL;
}

void rt_hold_signals(void)
{
	sigset_t all;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	unsigned char byte;
	while (read(signal_pipe[0], &byte, 1) == 1)
		if (byte != SIGWINCH) /* which would look as if sent by a process */
			kill(getpid(), byte & ~SENT);
}

void rt_release_signals(void)
{
	sigset_t all;
	sigfillset(&all);
	pthread_sigmask(SIG_UNBLOCK, &all, NULL);
}

/* Reaps children that have ended; 1 if `pid` was among them, with its raw wait status. */
static int reap(pid_t pid, int *raw)
{
	int status, found = 0;
	pid_t ended;
	while ((ended = waitpid(-1, &status, WNOHANG)) > 0 || (ended < 0 && errno == EINTR)) {
		if (ended != pid)
			continue;
		*raw = status;
		found = 1;
	}
	return found;
}

/* Forwards pending signals; 1 if there was one to forward. With `pid` 0 there is no process left to receive it. */
static int take_signals(pid_t pid, struct rt_relay *relay)
{
	unsigned char byte;
	int forwarded = 0;
	while (read(signal_pipe[0], &byte, 1) == 1) {
		int number = byte & ~SENT;
		if (relay && number == SIGWINCH)
			rt_relay_resize(relay);
		if (relay && number == SIGCONT)
			rt_relay_resume(relay);
		/* Without a terminal of its own a program learns nothing of the size of the caller's, but SIGWINCH may be
		 * the signal by which it is to end. */
		if (number == SIGCHLD || (number == SIGWINCH && (relay || !(byte & SENT))))
			continue;
		forwarded = 1;
		if (pid > 0)
			kill(pid, number);
	}
	return forwarded;
}

/* A stream socket whose other end may resize the terminal, and by closing it ends the program. */
struct lifeline {
	int fd; /* -1 for none */
	bool ended;
	size_t length;
	char line[16];
};

/* `ROWS COLUMNS`; anything else is not understood, and dropped. */
static void take_line(const struct lifeline *lifeline, const struct rt_relay *relay)
{
	char *middle, *end;
	unsigned long rows = strtoul(lifeline->line, &middle, 10);
	if (middle == lifeline->line || *middle != ' ')
		return;
	unsigned long columns = strtoul(middle, &end, 10);
	if (end == middle || *end != '\0' || rows > USHRT_MAX || columns > USHRT_MAX || !relay)
		return;
	struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
	ioctl(relay->master, TIOCSWINSZ, &size);
}

/* Takes some of what has arrived, so that signals are not kept waiting; the rest of a line that is too long is dropped. */
static void take_lifeline(struct lifeline *lifeline, const struct rt_relay *relay)
{
	char bytes[64];
	ssize_t got = recv(lifeline->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	/* Whatever else is wrong with it: nobody could end the program any more. */
	lifeline->ended = got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
	for (ssize_t i = 0; i < got; i++) {
		if (bytes[i] != '\n') {
			if (lifeline->length < sizeof(lifeline->line) - 1)
				lifeline->line[lifeline->length++] = bytes[i];
			continue;
		}
		lifeline->line[lifeline->length] = '\0';
		lifeline->length = 0;
		take_line(lifeline, relay);
	}
}

/* What is kept while a call waits for its answer. */
static struct {
	struct rt_relay *relay;
	int manager;
	struct lifeline lifeline;
	bool waits;
} held;

enum { CALL_WAITS = INT32_MAX /* not a status of waitpid(2) */ };

/* Waits for a signal, relay data, the lifeline, a notification from the program, or one of its filter: 1 if that has one. */
static int64_t wait_and_move(
	struct rt_relay *relay, struct rt_notify *notify, struct lifeline *lifeline, int *listener)
{
	enum { SIGNALS, PROGRAM, LIFELINE, FILTER, RELAY };
	struct pollfd polls[RELAY + RT_RELAY_POLLS] = {{.fd = signal_pipe[0], .events = POLLIN},
		{.fd = notify->program, .events = POLLIN}, {.fd = lifeline->fd, .events = POLLIN},
		{.fd = *listener, .events = POLLIN}};
	if (relay)
		rt_relay_polls(relay, polls + RELAY);
	/* A program that runs is not given up because there is no memory at the moment. */
	if (poll(polls, relay ? RELAY + RT_RELAY_POLLS : RELAY, -1) < 0)
		return errno == EINTR || errno == ENOMEM ? 0 : -errno;
	if (polls[PROGRAM].revents != 0)
		rt_notify_take(notify);
	if (polls[LIFELINE].revents != 0)
		take_lifeline(lifeline, relay);
	if (relay)
		rt_relay_move(relay, polls + RELAY);
	/* No process has the filter any more. */
	if (polls[FILTER].revents != 0 && !(polls[FILTER].revents & POLLIN))
		*listener = -1;
	return polls[FILTER].revents & POLLIN ? 1 : 0;
}

static int64_t supervise(
	pid_t pid, struct rt_relay *relay, struct rt_notify *notify, struct lifeline *lifeline, int listener)
{
	int raw = 0;
	/* A child that ended before the handlers were installed sent a SIGCHLD that was not seen. */
	while (!reap(pid, &raw)) {
		int64_t status = wait_and_move(relay, notify, lifeline, &listener);
		if (status < 0)
			return status;
		if (lifeline->ended) {
			/* It may be frozen, so its end is not awaited here. */
			kill(pid, SIGKILL);
			return SIGKILL;
		}
		take_signals(pid, relay);
		if (status > 0)
			return CALL_WAITS;
	}
	listener = -1;
	/* It may have sent a notification just before it ended. */
	if (notify->program >= 0)
		rt_notify_take(notify);
	/* Drains its remaining output. The caller may be a slow reader, and may still end this with a signal. */
	while (relay && rt_relay_has_output(relay)) {
		int64_t status = wait_and_move(relay, notify, lifeline, &listener);
		if (status < 0)
			rt_relay_lose(relay, RT_RELAY_OUTPUT, "poll", -(int)status);
		if (status < 0 || lifeline->ended || take_signals(0, relay))
			break;
	}
	return raw;
}

int64_t rt_fn_superviseChild(const struct rt_value *args, struct rt_result *result)
{
	pid_t pid = (pid_t)args[0].integer;
	struct rt_notify notify = {
		.program = (int)args[3].integer, .manager = (int)args[4].integer, .messages = args[5].list};
	struct lifeline lifeline = {.fd = (int)args[6].integer};
	RT_FREE struct rt_relay *relay = NULL;
	int64_t status = 0;
	if (held.waits) {
		relay = held.relay;
		notify.manager = held.manager;
		lifeline = held.lifeline;
	} else if (args[1].integer >= 0) {
		relay = malloc(sizeof(*relay));
		if (!relay)
			return -ENOMEM;
		status = rt_relay_open(relay, (int)args[1].integer, (int)args[2].integer);
	}
	if (status >= 0)
		status = supervise(pid, relay, &notify, &lifeline, (int)args[7].integer);
	held.waits = status == CALL_WAITS;
	if (held.waits) {
		held.relay = relay;
		held.manager = notify.manager;
		held.lifeline = lifeline;
		relay = NULL;
		result->numbers[result->count++] = status;
		return 0;
	}
	if (relay)
		rt_relay_close(relay);
	if (status < 0)
		return status;
	result->numbers[result->count++] = status;
	if (!relay || relay->lost.error == 0)
		return 0;
	result->numbers[result->count++] = relay->lost.flow;
	result->numbers[result->count++] = relay->lost.error;
	return rt_result_copy(result, relay->lost.call, strlen(relay->lost.call));
}
