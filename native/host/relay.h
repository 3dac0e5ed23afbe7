/* Foreground `run` and `exec` with a terminal: copies the caller's standard input to the master and the
 * master's output to standard output, losslessly and without blocking on either side. */
#ifndef RT_RELAY_H
#define RT_RELAY_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

enum { RT_RELAY_POLLS = 3, RT_RELAY_BUFFER = 16 * 1024 };

/* One of the caller's ends, reopened if possible, so that O_NONBLOCK does not affect other users of the
 * description. */
struct rt_relay_end {
	int fd; /* -1 when closed */
	bool owned;
	bool socket;
};

struct rt_relay_flow {
	size_t at, end;
	char data[RT_RELAY_BUFFER];
};

enum rt_relay_direction { RT_RELAY_INPUT, RT_RELAY_OUTPUT };

/* The first failure that lost data; `error` is 0 if there was none. A reader that is gone loses nothing. */
struct rt_relay_loss {
	enum rt_relay_direction flow;
	int error;
	const char *call;
};

struct rt_relay {
	int master, slave;
	int console; /* the caller's terminal, whose mode and size count; -1 if it has none */
	struct rt_relay_end input, output;
	struct rt_relay_flow to_master, to_output;
	char last; /* last byte written to the master */
	bool end_of_input;
	struct rt_relay_loss lost;
};

/* Makes the caller's terminal raw, if it has one. Takes ownership of `master`. */
int rt_relay_open(struct rt_relay *relay, int master, int console);

/* Fills in the descriptors to poll; -1 where there is nothing to wait for. */
void rt_relay_polls(const struct rt_relay *relay, struct pollfd polls[RT_RELAY_POLLS]);

/* Copies whatever is ready. */
void rt_relay_move(struct rt_relay *relay, const struct pollfd polls[RT_RELAY_POLLS]);

/* Call when the caller's terminal was resized, or this process was continued after a stop. */
void rt_relay_resize(struct rt_relay *relay);
void rt_relay_resume(struct rt_relay *relay);

/* After the program has ended: true while output is waiting for its reader. */
bool rt_relay_has_output(struct rt_relay *relay);

void rt_relay_lose(struct rt_relay *relay, enum rt_relay_direction flow, const char *call, int error);

/* Restores the caller's terminal. */
void rt_relay_close(struct rt_relay *relay);

#endif
