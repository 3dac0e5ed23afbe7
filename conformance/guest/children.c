/* The probe's verbs that start a child process for actions that may kill it. */
#define _GNU_SOURCE
#include "json.h"
#include "verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Forks a child that may write an error number to report[1]. Returns its pid, 0 in the child, or -1 with
 * errno set. */
static pid_t fork_reporting(int report[2])
{
	fflush(stdout);
	if (pipe2(report, O_CLOEXEC) < 0)
		return -1;
	pid_t pid = fork();
	if (pid != 0)
		close(report[1]);
	return pid;
}

static void report_error(const int report[2], int error)
{
	_exit(write(report[1], &error, sizeof(error)) == sizeof(error) ? 0 : BAD_CALL);
}

/* Waits for the child; returns the number it reported, or 0. */
static int reported(pid_t pid, const int report[2], int *status)
{
	int error = 0;

	if (read(report[0], &error, sizeof(error)) < 0)
		error = EIO;
	close(report[0]);
	waitpid(pid, status, 0);
	return error;
}

/* Prints {"killed": SIGNAL} for a child killed by a signal; returns false for any other. */
static bool put_killed(int status)
{
	if (WIFSIGNALED(status))
		printf("{\"killed\":%d}\n", WTERMSIG(status));
	return WIFSIGNALED(status);
}

/* Runs a file and reports its exit, to test noexec and file modes. */
void verb_exec(char **args)
{
	int report[2];
	pid_t pid = fork_reporting(report);
	if (pid < 0) {
		put_outcome(-1);
		return;
	}
	if (pid == 0) {
		char *const argv[] = {args[0], "nothing", NULL};
		execv(args[0], argv);
		report_error(report, errno);
	}
	errno = reported(pid, report, NULL);
	put_outcome(errno ? -1 : 0);
}

/* Touches this many bytes, page by page. Returns only if the kernel allows it. */
void verb_memhog(char **args)
{
	size_t size = strtoull(args[0], NULL, 0);
	char *memory = malloc(size);
	if (!memory) {
		put_outcome(-1);
		return;
	}
	for (size_t at = 0; at < size; at += 4096)
		*(volatile char *)(memory + at) = 1;
	put_outcome(0);
}

/* Starts up to N waiting children; reports their number, and the error that stopped it. */
void verb_fork(char **args)
{
	int wanted = atoi(args[0]), made = 0, error = 0;
	pid_t *pids = calloc((size_t)wanted, sizeof(*pids));

	fflush(stdout);
	for (; made < wanted; made++) {
		pids[made] = fork();
		if (pids[made] < 0) {
			error = errno;
			break;
		}
		if (pids[made] == 0) {
			pause();
			_exit(0);
		}
	}
	for (int i = 0; i < made; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	free(pids);
	printf("{\"made\":%d,\"errno\":", made);
	if (error)
		put_string(strerrorname_np(error));
	else
		printf("null");
	puts("}");
}

/* syscall NUMBER [ARGUMENT...]: in a child, so that a filter that kills can be observed, too. */
void verb_syscall(char **args)
{
	long values[6] = {0};
	long number = strtol(args[0], NULL, 0);

	for (int i = 0; i < 6 && args[i + 1]; i++)
		values[i] = (long)strtoull(args[i + 1], NULL, 0);
	int report[2], status = 0;
	pid_t pid = fork_reporting(report);
	if (pid < 0) {
		put_outcome(-1);
		return;
	}
	if (pid == 0) {
		long result =
			syscall(number, values[0], values[1], values[2], values[3], values[4], values[5]);
		report_error(report, result < 0 ? errno : 0);
	}
	int error = reported(pid, report, &status);
	if (put_killed(status))
		return;
	errno = error;
	put_outcome(error ? -1 : 0);
}

static void *call_in_thread(void *number)
{
	syscall(*(long *)number, 0);
	return NULL;
}

/* thread NUMBER: makes the call in a new thread, and reports whether the process survives the thread. */
void verb_thread(char **args)
{
	long number = strtol(args[0], NULL, 0);
	int status = 0;

	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		pthread_t thread;
		if (pthread_create(&thread, NULL, call_in_thread, &number) != 0)
			_exit(BAD_CALL);
		pthread_join(thread, NULL);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	if (!put_killed(status))
		printf("{\"survived\":%s}\n", WEXITSTATUS(status) == 0 ? "true" : "false");
}

/* i386 NUMBER: a 32-bit system call with an invalid address. */
void verb_i386(char **args)
{
	int status = 0;

	(void)args;
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		long result = -ENOSYS;
#ifdef __x86_64__
		long number = strtol(args[0], NULL, 0);
		__asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(1L), "c"(0L) : "memory");
#endif
		_exit(result < 0 ? (int)-result : 0);
	}
	waitpid(pid, &status, 0);
	if (put_killed(status))
		return;
	errno = WEXITSTATUS(status);
	put_outcome(errno ? -1 : 0);
}
