/* The probe's verbs for the host: they set up the environment in which a runtime is called. */
#define _GNU_SOURCE
#include "verbs.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * Runs on the host: a child subreaper that runs a command, then reports the children it has inherited and how they
 * ended, like an engine's shim or monitor.
 *   subreaper FILE COMMAND ARGUMENT... : writes the pids of its children to FILE when the command has ended.
 */
int run_subreaper(char **args)
{
	if (!args[0] || !args[1])
		return BAD_CALL;
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	pid_t pid = fork();
	if (pid == 0) {
		execvp(args[1], args + 1);
		_exit(127);
	}
	int status = 0;

	waitpid(pid, &status, 0);
	char *children = read_text("/proc/thread-self/children");
	FILE *file = fopen(args[0], "we");
	if (!file)
		return BAD_CALL;
	fprintf(file, "%d %s\n", WEXITSTATUS(status), children ? children : "");
	fclose(file);
	for (pid_t child; (child = waitpid(-1, &status, 0)) > 0;) {
		printf("{\"pid\":%d,\"exited\":%d,\"status\":%d,\"signal\":%d}\n", child, WIFEXITED(status),
			WIFEXITED(status) ? WEXITSTATUS(status) : 0,
			WIFSIGNALED(status) ? WTERMSIG(status) : 0);
		fflush(stdout);
	}
	return 0;
}

/*
 * Runs on the host: a command in which one system call fails.
 *   refuse CALL ARGUMENT|- ERRNO COMMAND... : CALL by name; if ARGUMENT is a number, only with that first argument.
 */
int run_refuse(char **args)
{
	static const struct {
		const char *name;
		unsigned number;
	} calls[] = {
		{"unshare", SYS_unshare},
		{"setns", SYS_setns},
		{"prctl", SYS_prctl},
		{"setsid", SYS_setsid},
		{"umask", SYS_umask},
		{"close_range", 436},
		{"open_tree", SYS_open_tree},
		{"fsopen", SYS_fsopen},
		{"mount_setattr", 442},
		{"clone3", SYS_clone3},
		{"keyctl", SYS_keyctl},
	};
	unsigned number = 0, error = 0;

	if (!args[0] || !args[1] || !args[2] || !args[3])
		return BAD_CALL;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (strcmp(args[0], calls[i].name) == 0)
			number = calls[i].number;
	for (int code = 1; code < 134; code++)
		if (strerrorname_np(code) && strcmp(strerrorname_np(code), args[2]) == 0)
			error = (unsigned)code;
	if (number == 0 || error == 0)
		return BAD_CALL;
	bool any = strcmp(args[1], "-") == 0;
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)strtoul(args[1], NULL, 0), 0, any ? 0 : 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
		return BAD_CALL;
	execvp(args[3], args + 3);
	return 127;
}

/*
 * Runs on the host: a command in a session keyring with that name, accessible to everyone.
 *   keyring NAME COMMAND...
 */
int run_keyring(char **args)
{
	if (!args[0] || !args[1])
		return BAD_CALL;
	long key = syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, args[0]);
	if (key < 0 || syscall(SYS_keyctl, KEYCTL_SETPERM, key, 0x3f3f3f3f) < 0)
		return BAD_CALL;
	execvp(args[1], args + 1);
	return 127;
}

/*
 * Runs on the host until it is killed: keeps exchanging two names in a shared directory.
 *   exchange NAME OTHER [MODE]
 * With MODE, sets the mode of the file that was NAME at first each time.
 */
int run_exchange(char **args)
{
	char first[32];
	if (!args[0] || !args[1])
		return BAD_CALL;
	int fd = open(args[0], O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return BAD_CALL;
	snprintf(first, sizeof(first), "/proc/self/fd/%d", fd);
	for (;;) {
		if (args[2] && chmod(first, (mode_t)strtoul(args[2], NULL, 8)) < 0)
			return BAD_CALL;
		if (renameat2(AT_FDCWD, args[0], AT_FDCWD, args[1], RENAME_EXCHANGE) < 0)
			return BAD_CALL;
	}
}
