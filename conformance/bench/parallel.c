/*
 * Runs commands, a number of them at any time, and says when each gave its first output and when it ended. Meanwhile
 * a process that has nothing to do with them forks again and again, and notes how long each fork took.
 *
 *   parallel CALLERS < LIST
 *
 * A line of LIST has a command's words, separated by tabs. Output, times in nanoseconds:
 *   output TIME    from the start of the command to the first byte on its standard output
 *   command TIME   from its start to its end
 *   all TIME       from the first start to the last end
 *   fork TIME      how long the process that forks was held up by one fork
 * A command that fails, or has no output, ends it all.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { MAX_CALLERS = 64, MAX_WORDS = 32, MAX_FORKS = 1 << 16, BETWEEN_FORKS = 500 * 1000 };

struct caller {
	pid_t pid; /* 0: idle */
	int output;
	int process; /* pidfd */
	long long start;
};

struct forks {
	atomic_bool enough;
	size_t count;
	long long times[MAX_FORKS];
};

static long long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void fork_until_enough(struct forks *forks)
{
	const struct timespec between = {.tv_nsec = BETWEEN_FORKS};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (!atomic_load(&forks->enough) && forks->count < MAX_FORKS) {
		long long start = now();
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		forks->times[forks->count++] = now() - start;
		if (pid < 0 || waitpid(pid, NULL, 0) != pid)
			err(1, "fork");
		nanosleep(&between, NULL);
	}
	_exit(0);
}

/* False when the list has ended. */
static int start_next(struct caller *caller)
{
	static char *text;
	static size_t room;
	char *words[MAX_WORDS];
	size_t count = 0;
	int ends[2];
	posix_spawn_file_actions_t files;

	if (getline(&text, &room, stdin) <= 0)
		return 0;
	text[strcspn(text, "\n")] = '\0';
	char *rest = text;
	for (char *word; count + 1 < MAX_WORDS && (word = strsep(&rest, "\t"));)
		words[count++] = word;
	words[count] = NULL;

	if (pipe2(ends, O_CLOEXEC) < 0)
		err(1, "pipe2");
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDWR, 0);
	posix_spawn_file_actions_adddup2(&files, ends[1], 1);
	caller->start = now();
	if (posix_spawnp(&caller->pid, words[0], &files, NULL, words, environ) != 0)
		err(1, "%s", words[0]);
	posix_spawn_file_actions_destroy(&files);
	close(ends[1]);
	caller->output = ends[0];
	caller->process = pidfd_open(caller->pid, 0);
	if (caller->process < 0)
		err(1, "pidfd_open");
	return 1;
}

static void take_output(struct caller *caller)
{
	char byte;
	long long time = now();

	if (read(caller->output, &byte, 1) != 1)
		errx(1, "a command gave no output");
	printf("output %lld\n", time - caller->start);
	close(caller->output);
	caller->output = -1;
}

static void take_end(struct caller *caller)
{
	int status;

	printf("command %lld\n", now() - caller->start);
	if (waitpid(caller->pid, &status, 0) != caller->pid || status != 0)
		errx(1, "a command ended with wait status %d", status);
	if (caller->output >= 0)
		take_output(caller);
	close(caller->process);
	caller->pid = 0;
}

static void run_all(struct caller *callers, int count)
{
	struct pollfd polls[2 * MAX_CALLERS];
	int running = 0;

	for (int i = 0; i < count; i++)
		running += start_next(&callers[i]);
	while (running > 0) {
		for (int i = 0; i < count; i++) {
			int idle = callers[i].pid == 0;
			polls[2 * i] = (struct pollfd){idle ? -1 : callers[i].output, POLLIN, 0};
			polls[2 * i + 1] = (struct pollfd){idle ? -1 : callers[i].process, POLLIN, 0};
		}
		if (poll(polls, (nfds_t)(2 * count), -1) < 0)
			err(1, "poll");
		for (int i = 0; i < count; i++) {
			if (polls[2 * i].revents != 0)
				take_output(&callers[i]);
			if (polls[2 * i + 1].revents == 0)
				continue;
			take_end(&callers[i]);
			if (!start_next(&callers[i]))
				running--;
		}
	}
}

int main(int argc, char **argv)
{
	static struct caller callers[MAX_CALLERS];
	int count = argc == 2 ? atoi(argv[1]) : 0;

	if (count < 1 || count > MAX_CALLERS)
		errx(2, "usage: parallel CALLERS < LIST");
	struct forks *forks = mmap(
		NULL, sizeof(*forks), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (forks == MAP_FAILED)
		err(1, "mmap");
	pid_t forker = fork();
	if (forker == 0)
		fork_until_enough(forks);

	long long start = now();
	run_all(callers, count);
	printf("all %lld\n", now() - start);
	atomic_store(&forks->enough, 1);
	if (waitpid(forker, NULL, 0) != forker)
		err(1, "waitpid");
	for (size_t i = 0; i < forks->count; i++)
		printf("fork %lld\n", forks->times[i]);
	return 0;
}
