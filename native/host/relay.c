#include "relay.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "result.h"

rt_function rt_fn_matchTerminal;

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

/* Static, because a handler for a fatal signal cannot reach the relay. */
static struct termios before, raw;
static volatile sig_atomic_t raw_console = -1;

static const int fatal[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};

static void restore_and_die(int number)
{
	if (raw_console >= 0)
		tcsetattr(raw_console, TCSANOW, &before);
	raise(number); /* the handler was one-shot (SA_RESETHAND), so the default action follows */
}

static int make_raw(int console)
{
	/* A write reports a reader that is gone. */
	signal(SIGPIPE, SIG_IGN);
	if (console < 0)
		return 0;
	if (tcgetattr(console, &before) < 0)
		return -errno;
	raw = before;
	/* Includes output processing: the container's terminal decides whether NL becomes CR NL. */
	cfmakeraw(&raw);
	raw_console = console;
	/* tcsetattr must also work from the background, where SIGTTOU would stop us, including on exit. */
	signal(SIGTTOU, SIG_IGN);
	signal(SIGTTIN, SIG_DFL);
	struct sigaction action = {.sa_handler = restore_and_die, .sa_flags = (int)SA_RESETHAND};
	for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
		sigaction(fatal[i], &action, NULL);
	return tcsetattr(console, TCSANOW, &raw) < 0 ? -errno : 0;
}

/* Pipes and terminals can be reopened, sockets take a flag per call, and files never block. */
static struct rt_relay_end open_end(int fd, int flags)
{
	struct stat status;
	if (fstat(fd, &status) < 0)
		return (struct rt_relay_end){.fd = errno == EBADF ? -1 : fd};
	if (S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode)) {
		char path[32];
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		int own = open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		if (own >= 0)
			return (struct rt_relay_end){.fd = own, .owned = true};
	}
	return (struct rt_relay_end){.fd = fd, .socket = S_ISSOCK(status.st_mode)};
}

static void close_end(struct rt_relay_end *end)
{
	if (end->owned)
		close(end->fd);
	*end = (struct rt_relay_end){.fd = -1};
}

static void copy_size(int from, int to)
{
	struct winsize size;
	if (ioctl(from, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0)
		ioctl(to, TIOCSWINSZ, &size);
}

int64_t rt_fn_matchTerminal(const struct rt_value *args, struct rt_result *result)
{
	(void)result;
	int master = (int)args[0].integer;
	struct termios mode;
	copy_size((int)args[1].integer, master);
	/* If the caller's output is not a terminal, lines stay as the program wrote them. */
	if (isatty(STDOUT_FILENO))
		return 0;
	if (tcgetattr(master, &mode) < 0)
		return -errno;
	mode.c_oflag &= ~(tcflag_t)ONLCR;
	return rt_checked(tcsetattr(master, TCSANOW, &mode));
}

int rt_relay_open(struct rt_relay *relay, int master, int console)
{
	*relay = (struct rt_relay){.master = master, .slave = -1, .console = console};
	/* While the slave is open, the master does not report an end of file that a later open would revoke. */
	relay->slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (relay->slave < 0 || fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
		return -errno;
	relay->input = open_end(STDIN_FILENO, O_RDONLY);
	relay->output = open_end(STDOUT_FILENO, O_WRONLY);
	return make_raw(console);
}

void rt_relay_resize(struct rt_relay *relay)
{
	copy_size(relay->console, relay->master);
}

void rt_relay_resume(struct rt_relay *relay)
{
	tcsetattr(relay->console, TCSANOW, &raw);
	rt_relay_resize(relay);
}

static bool is_empty(const struct rt_relay_flow *flow)
{
	return flow->at == flow->end;
}

enum { INPUT, MASTER, OUTPUT };

void rt_relay_polls(const struct rt_relay *relay, struct pollfd polls[RT_RELAY_POLLS])
{
	bool input = relay->input.fd >= 0 && is_empty(&relay->to_master);
	bool output = !is_empty(&relay->to_output);
	short master = (short)((output ? 0 : POLLIN) | (is_empty(&relay->to_master) ? 0 : POLLOUT));
	polls[INPUT] = (struct pollfd){.fd = input ? relay->input.fd : -1, .events = POLLIN};
	polls[MASTER] = (struct pollfd){.fd = master ? relay->master : -1, .events = master};
	polls[OUTPUT] = (struct pollfd){.fd = output ? relay->output.fd : -1, .events = POLLOUT};
}

static bool is_temporary(ssize_t result)
{
	return result < 0 && (errno == EAGAIN || errno == EINTR);
}

void rt_relay_lose(struct rt_relay *relay, enum rt_relay_direction flow, const char *call, int error)
{
	if (relay->lost.error == 0)
		relay->lost = (struct rt_relay_loss){flow, error, call};
}

/* In canonical mode, end of input is the VEOF character, as from a keyboard. After an incomplete line it must
 * be sent twice, because the first only ends that line. */
static void end_input(struct rt_relay *relay)
{
	struct termios mode;
	struct rt_relay_flow *flow = &relay->to_master;
	relay->end_of_input = false;
	if (tcgetattr(relay->master, &mode) < 0 || !(mode.c_lflag & ICANON))
		return;
	flow->at = flow->end = 0;
	if (relay->last != '\n' && relay->last != '\0')
		flow->data[flow->end++] = (char)mode.c_cc[VEOF];
	flow->data[flow->end++] = (char)mode.c_cc[VEOF];
}

static void read_input(struct rt_relay *relay)
{
	struct rt_relay_end *input = &relay->input;
	struct rt_relay_flow *flow = &relay->to_master;
	ssize_t size = input->socket ? recv(input->fd, flow->data, sizeof(flow->data), MSG_DONTWAIT)
				     : read(input->fd, flow->data, sizeof(flow->data));
	if (is_temporary(size))
		return;
	flow->at = 0;
	flow->end = size > 0 ? (size_t)size : 0;
	if (size > 0)
		return;
	/* EIO: the caller's terminal has hung up, or this process is in the background of another session. */
	if (size < 0 && errno != EIO)
		rt_relay_lose(relay, RT_RELAY_INPUT, "read", errno);
	close_end(input);
	relay->end_of_input = size == 0;
}

static void write_master(struct rt_relay *relay)
{
	struct rt_relay_flow *flow = &relay->to_master;
	ssize_t size = write(relay->master, flow->data + flow->at, flow->end - flow->at);
	if (size > 0) {
		flow->at += (size_t)size;
		relay->last = flow->data[flow->at - 1];
	} else if (!is_temporary(size)) {
		rt_relay_lose(relay, RT_RELAY_INPUT, "write", errno);
		flow->at = flow->end;
	}
}

/* False if there was nothing to read. */
static bool read_master(struct rt_relay *relay)
{
	struct rt_relay_flow *flow = &relay->to_output;
	ssize_t size;
	do
		size = read(relay->master, flow->data, sizeof(flow->data));
	while (size < 0 && errno == EINTR);
	if (size <= 0)
		return false;
	flow->at = 0;
	/* Without a reader the output is discarded: the program must not block on it. */
	flow->end = relay->output.fd < 0 ? 0 : (size_t)size;
	return true;
}

static void write_output(struct rt_relay *relay)
{
	struct rt_relay_end *output = &relay->output;
	struct rt_relay_flow *flow = &relay->to_output;
	const char *data = flow->data + flow->at;
	size_t length = flow->end - flow->at;
	ssize_t size = output->socket ? send(output->fd, data, length, MSG_DONTWAIT | MSG_NOSIGNAL)
				      : write(output->fd, data, length);
	if (size > 0) {
		flow->at += (size_t)size;
	} else if (!is_temporary(size)) {
		if (errno != EPIPE && errno != ECONNRESET)
			rt_relay_lose(relay, RT_RELAY_OUTPUT, "write", errno);
		flow->at = flow->end;
		close_end(output);
	}
}

void rt_relay_move(struct rt_relay *relay, const struct pollfd polls[RT_RELAY_POLLS])
{
	if (polls[INPUT].revents)
		read_input(relay);
	if (polls[OUTPUT].revents)
		write_output(relay);
	if (polls[MASTER].revents & (POLLIN | POLLHUP) && is_empty(&relay->to_output) && read_master(relay))
		write_output(relay);
	if (!is_empty(&relay->to_master))
		write_master(relay);
	if (relay->end_of_input && is_empty(&relay->to_master))
		end_input(relay);
}

bool rt_relay_has_output(struct rt_relay *relay)
{
	while (is_empty(&relay->to_output)) {
		errno = 0;
		if (read_master(relay))
			continue;
		if (errno != 0 && errno != EAGAIN)
			rt_relay_lose(relay, RT_RELAY_OUTPUT, "read", errno);
		return false;
	}
	return true;
}

void rt_relay_close(struct rt_relay *relay)
{
	if (raw_console >= 0)
		tcsetattr(raw_console, TCSANOW, &before);
	raw_console = -1;
	close_end(&relay->input);
	close_end(&relay->output);
	if (relay->slave >= 0)
		close(relay->slave);
	close(relay->master);
}
