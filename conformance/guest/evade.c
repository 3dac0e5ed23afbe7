/*
 * A process that tries to outlive a system call which its seccomp filter answers with KILL, where a supervisor imitates that by a signal: a
 * process that shares its signal handlers, but is not of its thread group, changes the disposition of SIGSYS all the time.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "verbs.h"

enum { STACK = 65536, ATTEMPTS = 300, LIFETIME = 5 };

static void handle(int signal)
{
	(void)signal;
}

static int toggle(void *unused)
{
	(void)unused;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		signal(SIGSYS, SIG_DFL);
		signal(SIGSYS, handle);
		signal(SIGSYS, SIG_DFL);
		signal(SIGSYS, SIG_IGN);
	}
	return 0;
}

static void attempt(volatile int *survived)
{
	char *stack = malloc(STACK);
	if (!stack || clone(toggle, stack + STACK, CLONE_VM | CLONE_SIGHAND, NULL) < 0)
		_exit(BAD_CALL);
	usleep(1000);
	syscall(SYS_chroot, "/none");
	*survived = 1;
	sleep(LIFETIME);
	_exit(0);
}

/* evade: {"survived": whether chroot returned, "signal": the one that ended that process, or 0} */
void verb_evade(char **args)
{
	(void)args;
	int *survived = mmap(NULL, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status = 0;
	if (survived == MAP_FAILED)
		exit(BAD_CALL);
	for (int at = 0; at < ATTEMPTS && !*survived; at++) {
		pid_t child = fork();
		if (child == 0)
			attempt(survived);
		while (waitpid(child, &status, 0) < 0 && errno == EINTR)
			;
	}
	printf("{\"survived\": %s, \"signal\": %d}\n", *survived ? "true" : "false",
		WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}
