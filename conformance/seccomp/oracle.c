/*
 * The second opinion of the seccomp tests: builds the filter that libseccomp would build for a list of rules, and
 * loads raw filters into the running kernel. It holds no policy: what it is told arrives on standard input.
 *
 *   oracle build < rules > filter     one line per fact, see read_profile()
 *   oracle load FILTER [FLAGS]        exit status 0 when the kernel accepts the filter
 *   oracle verdict FILTER < calls     for each line "NR A0 A1": runs that call in a child under the filter
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The kernel refuses longer programs (BPF_MAXINSNS). */
#define MAX_INSTRUCTIONS 4096
#define MAX_ARGUMENTS 6

static int complain(const char *what, int code)
{
	fprintf(stderr, "%s: %s\n", what, strerror(code < 0 ? -code : code));
	return 1;
}

static bool operator_named(const char *name, enum scmp_compare *op)
{
	static const struct {
		const char *name;
		enum scmp_compare op;
	} operators[] = {
		{"SCMP_CMP_NE", SCMP_CMP_NE},
		{"SCMP_CMP_LT", SCMP_CMP_LT},
		{"SCMP_CMP_LE", SCMP_CMP_LE},
		{"SCMP_CMP_EQ", SCMP_CMP_EQ},
		{"SCMP_CMP_GE", SCMP_CMP_GE},
		{"SCMP_CMP_GT", SCMP_CMP_GT},
		{"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ},
	};
	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
		if (strcmp(operators[i].name, name) == 0) {
			*op = operators[i].op;
			return true;
		}
	}
	return false;
}

/* "rule NAME ACTION [INDEX OPERATOR VALUE VALUE2]...": numbers in hexadecimal, the action as the kernel's value. */
static int add_rule(scmp_filter_ctx filter, const char *text)
{
	char name[128];
	uint32_t action;
	int used;
	if (sscanf(text, "rule %127s %" SCNx32 "%n", name, &action, &used) != 2)
		return complain(text, EINVAL);
	struct scmp_arg_cmp args[MAX_ARGUMENTS];
	unsigned int count = 0;
	for (const char *rest = text + used; count < MAX_ARGUMENTS; count++, rest += used) {
		unsigned int index;
		char op[32];
		uint64_t value, second;
		if (sscanf(rest, " %u %31s %" SCNx64 " %" SCNx64 "%n", &index, op, &value, &second, &used) !=
			4)
			break;
		args[count] = (struct scmp_arg_cmp){.arg = index, .datum_a = value, .datum_b = second};
		if (!operator_named(op, &args[count].op))
			return complain(text, EINVAL);
	}
	int number = seccomp_syscall_resolve_name(name);
	if (number == __NR_SCMP_ERROR) {
		fprintf(stderr, "unknown %s\n", name);
		return 0;
	}
	int rc = seccomp_rule_add_array(filter, action, number, count, args);
	return rc < 0 ? complain(text, rc) : 0;
}

/*
 * "default ACTION" comes first, then "native ARCH" (the architecture whose names lead), "arch ARCH" and "rule ..."
 * lines. Architectures are named as libseccomp names them: x86_64, x86, x32, aarch64, arm.
 */
static int read_profile(scmp_filter_ctx *filter)
{
	char *line = NULL;
	size_t room = 0;
	int rc = 0;
	while (rc == 0 && getline(&line, &room, stdin) > 0) {
		uint32_t action;
		char arch[32];
		if (sscanf(line, "default %" SCNx32, &action) == 1) {
			*filter = seccomp_init(action);
			if (*filter == NULL)
				rc = complain(line, EINVAL);
		} else if (*filter == NULL) {
			rc = complain("no default", EINVAL);
		} else if (sscanf(line, "arch %31s", arch) == 1) {
			int added = seccomp_arch_add(*filter, seccomp_arch_resolve_name(arch));
			if (added < 0 && added != -EEXIST)
				rc = complain(line, added);
		} else if (sscanf(line, "without %31s", arch) == 1) {
			int removed = seccomp_arch_remove(*filter, seccomp_arch_resolve_name(arch));
			if (removed < 0)
				rc = complain(line, removed);
		} else {
			rc = add_rule(*filter, line);
		}
	}
	free(line);
	return rc;
}

static int build(void)
{
	scmp_filter_ctx filter = NULL;
	int rc = read_profile(&filter);
	if (rc == 0) {
		int exported = seccomp_export_bpf(filter, STDOUT_FILENO);
		if (exported < 0)
			rc = complain("export", exported);
	}
	if (filter != NULL)
		seccomp_release(filter);
	return rc;
}

static int load(const char *path, unsigned int flags)
{
	static struct sock_filter code[MAX_INSTRUCTIONS + 1];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return complain(path, errno);
	ssize_t size = read(fd, code, sizeof(code));
	close(fd);
	if (size < 0 || (size_t)size % sizeof(code[0]) != 0)
		return complain(path, EINVAL);
	struct sock_fprog program = {.len = (unsigned short)((size_t)size / sizeof(code[0])), .filter = code};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return complain("no_new_privs", errno);
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program) != 0)
		return complain("seccomp", errno);
	return 0;
}

/* Prints "result ERRNO" (0 for success) or "signal NUMBER" for each call; every call runs in a child of its own. */
static int verdict(const char *path)
{
	long number;
	unsigned long first, second;
	while (scanf("%ld %lx %lx", &number, &first, &second) == 3) {
		fflush(stdout);
		int answer[2];
		if (pipe2(answer, O_CLOEXEC) != 0)
			return complain("pipe", errno);
		pid_t child = fork();
		if (child < 0)
			return complain("fork", errno);
		if (child == 0) {
			if (load(path, 0) != 0)
				_exit(1);
			int result = syscall(number, first, second, 0, 0, 0, 0) < 0 ? errno : 0;
			ssize_t sent = write(answer[1], &result, sizeof(result));
			_exit(sent == sizeof(result) ? 0 : 1);
		}
		close(answer[1]);
		int result = -1, status = 0;
		ssize_t got = read(answer[0], &result, sizeof(result));
		close(answer[0]);
		if (waitpid(child, &status, 0) != child)
			return complain("wait", errno);
		if (got == sizeof(result))
			printf("result %d\n", result);
		else
			printf("signal %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "build") == 0)
		return build();
	if (argc >= 3 && strcmp(argv[1], "load") == 0) {
		/* _exit is the one call that a tested filter must allow. */
		int rc = load(argv[2], argc > 3 ? (unsigned int)strtoul(argv[3], NULL, 0) : 0);
		_exit(rc);
	}
	if (argc == 3 && strcmp(argv[1], "verdict") == 0)
		return verdict(argv[2]);
	fprintf(stderr, "usage: oracle build | load FILTER [FLAGS] | verdict FILTER\n");
	return 2;
}
