/*
 * Runs a list of commands in turn, many rounds, and says how long each took and what it needed.
 *
 *   spawn ROUNDS < LIST
 *
 * A line of LIST is a label, a tab, and a command's words separated by tabs. Labels: `-` runs the command without
 * reporting it, `wait` (no command) waits until every container left behind has ended, `pause` sleeps for the
 * milliseconds of its word, `cold` empties the page cache; anything else is reported. Output, one line for each: LABEL
 * NANOSECONDS MAXRSS_KIB PROCESSOR_NANOSECONDS BYTES_READ, the latter three of the command and of all that it waited for.
 * A command that fails ends it all. Commands get /dev/null as input and output, and the error output and environment of
 * spawn. The clock runs from before the fork until the command was reaped; posix_spawn shares the address space until
 * execve, so the size of this program does not matter.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

#define MAX_LINES 256
#define MAX_WORDS 32

struct line {
	char *label;
	char *words[MAX_WORDS];
};

static long long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static long long nanoseconds(const struct timeval *time)
{
	return time->tv_sec * 1000000000LL + time->tv_usec * 1000LL;
}

static size_t read_lines(struct line *lines)
{
	size_t count = 0;
	char *text = NULL;
	size_t room = 0;

	while (count < MAX_LINES && getline(&text, &room, stdin) > 0) {
		text[strcspn(text, "\n")] = '\0';
		char *rest = strdup(text);
		lines[count].label = strsep(&rest, "\t");
		size_t words = 0;
		for (char *word; words + 1 < MAX_WORDS && (word = strsep(&rest, "\t"));)
			lines[count].words[words++] = word;
		lines[count].words[words] = NULL;
		if (words > 0 || strcmp(lines[count].label, "wait") == 0 || strcmp(lines[count].label, "cold") == 0)
			count++;
	}
	free(text);
	return count;
}

/* The command's end, exactly: not any other child's, which may be a container that the command left here. */
static void run_line(const struct line *line, const posix_spawn_file_actions_t *files)
{
	struct rusage usage;
	int status;
	pid_t pid;
	long long start = now();

	if (posix_spawnp(&pid, line->words[0], files, NULL, line->words, environ) != 0)
		err(1, "%s", line->words[0]);
	if (wait4(pid, &status, 0, &usage) < 0)
		err(1, "wait4");
	long long duration = now() - start;

	if (status != 0)
		errx(1, "%s %s: wait status %d", line->label, line->words[0], status);
	if (strcmp(line->label, "-") != 0)
		printf("%s %lld %ld %lld %lld\n", line->label, duration, usage.ru_maxrss,
			nanoseconds(&usage.ru_utime) + nanoseconds(&usage.ru_stime), usage.ru_inblock * 512LL);
}

/* proc_sys_vm(5): clean pages of files, directory entries and inodes. */
static void empty_cache(void)
{
	FILE *file = fopen("/proc/sys/vm/drop_caches", "we");

	sync();
	if (!file || fputs("3", file) < 0 || fclose(file) != 0)
		err(1, "drop_caches");
}

static void run_step(const struct line *line, const posix_spawn_file_actions_t *files)
{
	if (strcmp(line->label, "wait") == 0)
		while (waitpid(-1, NULL, 0) > 0) {
		}
	else if (strcmp(line->label, "pause") == 0)
		usleep((useconds_t)atoi(line->words[0]) * 1000);
	else if (strcmp(line->label, "cold") == 0)
		empty_cache();
	else
		run_line(line, files);
}

int main(int argc, char **argv)
{
	static struct line lines[MAX_LINES];
	posix_spawn_file_actions_t files;

	if (argc != 2)
		errx(2, "usage: spawn ROUNDS < LIST");
	size_t count = read_lines(lines);

	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDWR, 0);
	posix_spawn_file_actions_adddup2(&files, 0, 1);
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	for (int round = 0; round < atoi(argv[1]); round++)
		for (size_t i = 0; i < count; i++)
			run_step(&lines[i], &files);
	return 0;
}
