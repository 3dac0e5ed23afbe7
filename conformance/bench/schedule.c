/*
 * Runs commands at given times, many at once, and says how long after its time each had ended.
 *
 *   schedule AT_ONCE < LIST
 *
 * A line of LIST is a time in milliseconds, a label, and a command's words, all separated by tabs; `-` for the time means
 * right after the command of the line before. Lines with times are in their order; one whose time has come waits while
 * AT_ONCE others run. Output, one line for each: LABEL NANOSECONDS. A command that fails ends it all, unless its label begins
 * with `?`: then the line is LABEL failed.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { MAX_WORDS = 32, MAX_AT_ONCE = 1024 };

struct line {
	long long at; /* -1: after the line before */
	char *label;
	char *words[MAX_WORDS];
};

struct running {
	pid_t pid; /* 0: free */
	size_t line;
	long long due;
};

static struct line *lines;
static size_t count;
static struct running runs[MAX_AT_ONCE];
static posix_spawn_file_actions_t files;
/* Commands must not inherit the blocked signal. */
static posix_spawnattr_t attributes;

static long long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void read_lines(void)
{
	char *text = NULL;
	size_t room = 0;

	while (getline(&text, &room, stdin) > 0) {
		text[strcspn(text, "\n")] = '\0';
		lines = reallocarray(lines, count + 1, sizeof(*lines));
		if (!lines)
			err(1, "memory");
		char *rest = strdup(text);
		const char *at = strsep(&rest, "\t");
		struct line *line = &lines[count++];
		line->at = strcmp(at, "-") == 0 ? -1 : atoll(at) * 1000000LL;
		line->label = strsep(&rest, "\t");
		size_t words = 0;
		for (char *word; words + 1 < MAX_WORDS && (word = strsep(&rest, "\t"));)
			line->words[words++] = word;
		line->words[words] = NULL;
	}
	free(text);
}

static void begin(struct running *run, size_t line, long long due)
{
	if (posix_spawnp(&run->pid, lines[line].words[0], &files, &attributes, lines[line].words, environ) != 0)
		err(1, "%s", lines[line].words[0]);
	run->line = line;
	run->due = due;
}

static struct running *find(pid_t pid, int at_once)
{
	for (int i = 0; i < at_once; i++)
		if (runs[i].pid == pid)
			return &runs[i];
	return NULL;
}

/* A child that is none of the commands is a container that one of them has left here. */
static void take_ended(int at_once, size_t *left)
{
	int status;

	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
		struct running *run = find(pid, at_once);
		if (!run)
			continue;
		const struct line *line = &lines[run->line];
		long long end = now();
		if (status == 0)
			printf("%s %lld\n", line->label, end - run->due);
		else if (line->label[0] == '?')
			printf("%s failed\n", line->label);
		else
			errx(1, "%s %s: wait status %d", line->label, line->words[0], status);
		run->pid = 0;
		--*left;
		if (run->line + 1 < count && lines[run->line + 1].at < 0)
			begin(run, run->line + 1, end);
	}
}

int main(int argc, char **argv)
{
	int at_once = argc == 2 ? atoi(argv[1]) : 0;

	if (at_once < 1 || at_once > MAX_AT_ONCE)
		errx(2, "usage: schedule AT_ONCE < LIST");
	read_lines();
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDWR, 0);
	posix_spawn_file_actions_adddup2(&files, 0, 1);
	sigset_t ended;
	sigemptyset(&ended);
	sigaddset(&ended, SIGCHLD);
	sigprocmask(SIG_BLOCK, &ended, NULL);
	posix_spawnattr_init(&attributes);
	sigset_t none;
	sigemptyset(&none);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);

	long long start = now();
	size_t next = 0;
	for (size_t left = count; left > 0;) {
		take_ended(at_once, &left);
		while (next < count && lines[next].at < 0)
			next++;
		struct running *idle = find(0, at_once);
		long long wait = next < count && idle ? start + lines[next].at - now() : 1000000000LL;
		if (next < count && idle && wait <= 0) {
			begin(idle, next, start + lines[next].at);
			next++;
		} else if (left > 0) {
			struct timespec time = {.tv_sec = wait / 1000000000LL, .tv_nsec = wait % 1000000000LL};
			sigtimedwait(&ended, NULL, &time);
		}
	}
	printf("all %lld\n", now() - start);
	return 0;
}
