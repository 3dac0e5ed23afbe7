/* Foreground `run` and `exec` with a terminal: what the caller's standard input says goes to the master, what
 * the master says to standard output, without losing a byte and without blocking on either side. */
#ifndef RT_RELAY_H
#define RT_RELAY_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

enum { RT_RELAY_POLLS = 3, RT_RELAY_BUFFER = 16 * 1024 };

/* One end of the caller's: its own description where there can be one, so that O_NONBLOCK is nobody else's. */
struct rt_relay_end {
	int fd; /* -1 when closed */
	bool owned;
	bool socket;
};

struct rt_relay_flow {
	size_t at, end;
	char data[RT_RELAY_BUFFER];
};

struct rt_relay {
	int master, slave;
	int console; /* the caller's terminal, whose mode and size count */
	struct rt_relay_end input, output;
	struct rt_relay_flow to_master, to_output;
	char last; /* byte given to the master */
	bool end_of_input;
};

/* Makes the caller's terminal raw. `master` becomes the relay's. */
int rt_relay_open(struct rt_relay *relay, int master, int console);

/* What to wait for; an entry that is not wanted has the descriptor -1. */
void rt_relay_polls(const struct rt_relay *relay, struct pollfd polls[RT_RELAY_POLLS]);

/* Moves what can be moved. */
void rt_relay_move(struct rt_relay *relay, const struct pollfd polls[RT_RELAY_POLLS]);

/* The caller's terminal changed its size, or this process was continued after a stop. */
void rt_relay_resize(struct rt_relay *relay);
void rt_relay_resume(struct rt_relay *relay);

/* After the end of the program: true while output waits for its reader. */
bool rt_relay_has_output(struct rt_relay *relay);

/* Restores the caller's terminal. */
void rt_relay_close(struct rt_relay *relay);

#endif
