/* The probe's verbs for terminals, and for byte streams that must arrive unchanged. */
#define _GNU_SOURCE
#include "verbs.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

/* The types of descriptors 0 to 2, the window size, and whether this is the session's controlling
 * terminal. */
void verb_tty(char **args)
{
	(void)args;
	struct winsize size = {0};
	struct stat in = {0}, console = {0};
	ioctl(0, TIOCGWINSZ, &size);
	fstat(0, &in);
	stat("/dev/console", &console);
	int own = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	const char *name = ttyname(0);
	printf("{\"tty\":[%d,%d,%d],\"name\":\"%s\",\"rows\":%d,\"columns\":%d,\"pid\":%d,\"session\":%d,",
		isatty(0), isatty(1), isatty(2), name ? name : "", size.ws_row, size.ws_col, getpid(),
		tcgetsid(0));
	printf("\"foreground\":%d,\"controlling\":%s,\"uid\":%u,\"gid\":%u,\"mode\":%u,", tcgetpgrp(0),
		own >= 0 ? "true" : "false", in.st_uid, in.st_gid, in.st_mode & 07777);
	printf("\"major\":%u,\"console\":%s}\n", major(in.st_rdev),
		S_ISCHR(console.st_mode) && console.st_rdev == in.st_rdev ? "true" : "false");
}

static volatile sig_atomic_t resized;

static void note_resize(int number)
{
	(void)number;
	resized = 1;
}

/* Reports ready, waits for SIGWINCH and prints the new size. */
void verb_winch(char **args)
{
	(void)args;
	sigset_t blocked, before;
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGWINCH);
	sigprocmask(SIG_BLOCK, &blocked, &before);
	signal(SIGWINCH, note_resize);
	puts("{\"ready\":true}");
	fflush(stdout);
	while (!resized)
		sigsuspend(&before);
	struct winsize size = {0};
	ioctl(0, TIOCGWINSZ, &size);
	printf("{\"rows\":%d,\"columns\":%d}\n", size.ws_row, size.ws_col);
}

static void set_raw(int fd)
{
	struct termios mode;
	if (tcgetattr(fd, &mode) < 0)
		return;
	cfmakeraw(&mode);
	tcsetattr(fd, TCSANOW, &mode);
}

/* Pseudo-random bytes, which the case computes, too: x = x * 1664525 + 1013904223, top byte. */
static uint8_t next_byte(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return (uint8_t)(*state >> 24);
}

/* emit SEED COUNT: writes this many bytes in pieces of varying size, through a raw terminal if it is one. */
void verb_emit(char **args)
{
	uint32_t state = (uint32_t)strtoul(args[0], NULL, 10);
	size_t left = strtoul(args[1], NULL, 10);
	uint8_t piece[5000];
	set_raw(1);
	while (left > 0) {
		size_t size = (left * 31 + 7) % sizeof(piece) + 1;
		if (size > left)
			size = left;
		for (size_t i = 0; i < size; i++)
			piece[i] = next_byte(&state);
		for (size_t at = 0; at < size;) {
			ssize_t wrote = write(1, piece + at, size - at);
			if (wrote <= 0)
				_exit(3);
			at += (size_t)wrote;
		}
		left -= size;
	}
}

/* absorb SEED COUNT: reads this many bytes from a raw terminal or pipe and reports how many matched. */
void verb_absorb(char **args)
{
	uint32_t state = (uint32_t)strtoul(args[0], NULL, 10);
	size_t count = strtoul(args[1], NULL, 10), right = 0, got = 0;
	set_raw(0);
	puts("{\"ready\":true}");
	fflush(stdout);
	while (got < count) {
		uint8_t piece[4096];
		ssize_t size = read(0, piece, count - got < sizeof(piece) ? count - got : sizeof(piece));
		if (size <= 0)
			break;
		for (ssize_t i = 0; i < size; i++)
			right += piece[i] == next_byte(&state);
		got += (size_t)size;
	}
	printf("{\"got\":%zu,\"right\":%zu}\n", got, right);
}
