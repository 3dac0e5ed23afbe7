/*
 * Runs a command without some system calls, as on a kernel that lacks them:
 *
 *   deny NAME[,NAME]... COMMAND [ARGUMENT...]
 *
 * The calls fail with ENOSYS for the command and all its descendants, including containers.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CALL(name)                 \
	{                          \
#name, __NR_##name \
	}

static const struct {
	const char *name;
	unsigned number;
} calls[] = {
	CALL(bind),
	CALL(bpf),
	CALL(capset),
	CALL(clone3),
	CALL(close_range),
	CALL(connect),
	CALL(fchownat),
	{"fchmodat2", 452}, /* Linux 6.6, newer than Debian 12's headers */
	CALL(fsconfig),
	CALL(fsmount),
	CALL(fsopen),
	CALL(ioprio_set),
	CALL(keyctl),
	CALL(madvise),
	CALL(memfd_create),
	CALL(mknodat),
	CALL(mount_setattr),
	CALL(move_mount),
	CALL(open_tree),
	CALL(openat2),
	CALL(personality),
	CALL(pidfd_open),
	CALL(pivot_root),
	CALL(prlimit64),
	CALL(sched_setaffinity),
	CALL(sched_setattr),
	CALL(seccomp),
	CALL(set_mempolicy),
	CALL(setdomainname),
	CALL(setgroups),
	CALL(sethostname),
	CALL(setns),
	CALL(statx),
	CALL(symlinkat),
	CALL(unshare),
};

enum { MOST = 8 };

static int number_of(const char *name)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (strcmp(name, calls[i].name) == 0)
			return (int)calls[i].number;
	return -1;
}

int main(int argc, char **argv)
{
	struct sock_filter code[2 * MOST + 2] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	};
	unsigned short length = 1;

	if (argc < 3) {
		fprintf(stderr, "usage: deny NAME[,NAME]... COMMAND [ARGUMENT...]\n");
		return 99;
	}
	for (char *name = strtok(argv[1], ","); name != NULL; name = strtok(NULL, ",")) {
		int number = number_of(name);
		if (number < 0 || length > 2 * MOST - 1) {
			fprintf(stderr, "deny: %s is not in the list of calls\n", name);
			return 99;
		}
		code[length++] =
			(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1);
		code[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
	}
	code[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = {.len = length, .filter = code};
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) {
		perror("deny: seccomp");
		return 99;
	}
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 127;
}
