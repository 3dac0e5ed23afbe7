/* Native functions that start and talk to the helper. System calls are made directly (sys.h): the child of
 * the clone shares this process's memory until it executes the helper. */
#include "functions.h"

#include "../helper/clone.h"
#include "../helper/context.h"
#include "../helper/descriptor.h"
#include "../helper/hook.h"
#include "../helper/init.h"
#include "../helper/record.h"
#include "../helper/sys.h"

#include <linux/poll.h>
#include <linux/un.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The helper program, embedded at build time. */
extern const unsigned char rt_helper_start[], rt_helper_end[];

rt_function rt_fn_runProgram, rt_fn_launch, rt_fn_receive, rt_fn_send, rt_fn_connect, rt_fn_sendDescriptor,
	rt_fn_waitChild, rt_fn_runHook;

enum {
	UNIX_FAMILY = 1,
	SEQPACKET = 5,
	MEMFD_CLOEXEC = 1,
	MEMFD_ALLOW_SEALING = 2,
	MEMFD_EXEC = 0x10, /* Linux 6.3 */
	ADD_SEALS = 1033,
	SEAL_ALL = 0xf, /* SEAL, SHRINK, GROW, WRITE */
	DUP_CLOEXEC = 1030,
	SIGCHLD_NUMBER = 17,
	HIGH_FD = 32,
	RECORD_MAX = 16384,
};

static int sealed_memfd(const char *name, unsigned flags, const void *data, size_t size)
{
	RT_CLEANUP_FD int fd = (int)rt_sys(memfd_create, name, MEMFD_CLOEXEC | MEMFD_ALLOW_SEALING | flags);
	if (fd == -EINVAL && flags != 0)
		fd = (int)rt_sys(memfd_create, name, MEMFD_CLOEXEC | MEMFD_ALLOW_SEALING);
	if (fd < 0)
		return rt_steal_fd(&fd);
	for (size_t at = 0; at < size;) {
		long written = rt_sys(write, fd, (const char *)data + at, size - at);
		if (written < 0)
			return (int)written;
		at += (size_t)written;
	}
	long status = rt_sys(fcntl, fd, ADD_SEALS, SEAL_ALL);
	return status < 0 ? (int)status : rt_steal_fd(&fd);
}

/* The address of a socket file, through a descriptor of its directory: the path itself may be longer than
 * the 108 bytes of sun_path. `directory` must stay open until the address has been used. */
static int socket_address(const char *path, struct sockaddr_un *address, int *directory)
{
	static const char prefix[] = "/proc/self/fd/";
	const char *slash = strrchr(path, '/');
	char parent[RT_PATH_MAX];
	if (slash == NULL || (size_t)(slash - path) >= sizeof(parent))
		return -EINVAL;
	memcpy(parent, path, (size_t)(slash - path));
	parent[slash - path] = '\0';
	*directory = rt_open_how(AT_FDCWD, parent[0] == '\0' ? "/" : parent, O_PATH | O_DIRECTORY, 0, 0);
	if (*directory < 0)
		return *directory;
	char digits[12];
	size_t first = sizeof(digits) - 1;
	digits[first] = '\0';
	for (int rest = *directory; first == sizeof(digits) - 1 || rest > 0; rest /= 10)
		digits[--first] = (char)('0' + rest % 10);
	if (sizeof(prefix) + strlen(digits + first) + strlen(slash) > sizeof(address->sun_path))
		return -ENAMETOOLONG;
	address->sun_family = UNIX_FAMILY;
	memcpy(address->sun_path, prefix, sizeof(prefix));
	strcat(address->sun_path, digits + first);
	strcat(address->sun_path, slash);
	return 0;
}

static int listen_at(const char *path)
{
	struct sockaddr_un address;
	RT_CLEANUP_FD int directory = -1;
	int status = socket_address(path, &address, &directory);
	if (status < 0)
		return status;
	RT_CLEANUP_FD int fd = (int)rt_sys(socket, UNIX_FAMILY, SEQPACKET | O_CLOEXEC, 0);
	if (fd < 0)
		return fd;
	rt_sys(fchmod, fd, 0600); /* the mode that bind(2) gives the file */
	long result = rt_sys(bind, fd, &address, sizeof(address));
	if (result >= 0)
		result = rt_sys(listen, fd, 8);
	return result < 0 ? (int)result : rt_steal_fd(&fd);
}

struct launch {
	int helper, program, control, listener;
	int preserved;  /* descriptors from 3 on that the program gets */
	char first[12]; /* RT_FD_FIRST and these, decimal */
	int error;      /* written by the child, which shares this memory */
};

/* Moves the helper's descriptors to their places; its own table, but the parent's memory: only system calls. */
static void run_helper(void *argument)
{
	struct launch *launch = argument;
	const int from[] = {launch->program, launch->control, launch->listener};
	const int first = RT_FD_FIRST + launch->preserved;
	int high[RT_FD_COUNT];
	long status = 0;
	for (int i = 0; i < RT_FD_COUNT; i++)
		high[i] = from[i] < 0 ? -1 : (int)rt_sys(fcntl, from[i], DUP_CLOEXEC, first + HIGH_FD);
	int helper = (int)rt_sys(fcntl, launch->helper, DUP_CLOEXEC, first + HIGH_FD);
	for (int i = 0; i < RT_FD_COUNT && status >= 0; i++)
		status = high[i] < 0 ? rt_sys(close, first + i) * 0 : rt_sys(dup3, high[i], first + i, 0);
	/* Node marks what it inherits close-on-exec; the container gets it as it came. */
	for (int fd = 0; fd < first; fd++)
		rt_sys(fcntl, fd, 2 /* F_SETFD */, 0);
	if (status >= 0)
		status = rt_sys(close_range, first + RT_FD_COUNT, ~0u, 4 /* CLOSE_RANGE_CLOEXEC */);
	const char *const args[] = {"rt-init", launch->first, NULL};
	static const char *const env[] = {NULL};
	if (status >= 0)
		status = rt_sys(execveat, helper, "", args, env, AT_EMPTY_PATH);
	launch->error = (int)-status;
	for (;;)
		rt_sys(exit_group, RT_EXIT_FAILED);
}

/* Enters the pid namespace at `path` for the next child; *own is what to go back to. */
static int join_pid_namespace(const char *path, int *own)
{
	RT_CLEANUP_FD int target = rt_open_how(AT_FDCWD, path, O_RDONLY | O_NONBLOCK, 0, 0);
	if (target < 0)
		return target;
	*own = rt_open_how(AT_FDCWD, "/proc/thread-self/ns/pid", O_RDONLY, 0, 0);
	if (*own < 0)
		return *own;
	return (int)rt_sys(setns, target, CLONE_NEWPID);
}

static long clone_helper(struct launch *launch, uint64_t flags, const char *cgroup, const char *pid_namespace)
{
	RT_CLEANUP_FD int cgroup_fd = -1;
	RT_CLEANUP_FD int own_pid_namespace = -1;
	struct clone_args args = {.flags = flags | CLONE_VM | CLONE_VFORK, .exit_signal = SIGCHLD_NUMBER};
	if (cgroup[0] != '\0') {
		cgroup_fd = rt_open_how(AT_FDCWD, cgroup, O_PATH | O_DIRECTORY, 0, 0);
		if (cgroup_fd < 0)
			return cgroup_fd;
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)cgroup_fd;
	}
	if (pid_namespace[0] != '\0') {
		int status = join_pid_namespace(pid_namespace, &own_pid_namespace);
		if (status < 0)
			return status;
	}
	uint64_t all = ~0ull, before = 0;
	rt_sys(rt_sigprocmask, 2, &all, &before, sizeof(all));
	long pid = rt_clone(&args, sizeof(args), run_helper, launch);
	rt_sys(rt_sigprocmask, 2, &before, NULL, sizeof(before));
	if (own_pid_namespace >= 0)
		rt_sys(setns, own_pid_namespace, CLONE_NEWPID);
	return pid;
}

int64_t rt_fn_launch(const struct rt_value *args, struct rt_result *result)
{
	int pair[2];
	RT_CLEANUP_FD int helper = sealed_memfd(
		"rt-init", MEMFD_EXEC, rt_helper_start, (size_t)(rt_helper_end - rt_helper_start));
	if (helper < 0)
		return helper;
	RT_CLEANUP_FD int program = sealed_memfd("rt-program", 0, args[0].data, args[0].length);
	if (program < 0)
		return program;
	int target = (int)args[5].integer;
	RT_CLEANUP_FD int listener = args[4].length > 0 ? listen_at(args[4].data) : -1;
	if (args[4].length > 0 && listener < 0)
		return listener;
	long status = rt_sys(socketpair, UNIX_FAMILY, SEQPACKET | O_CLOEXEC, 0, pair);
	if (status < 0)
		return status;
	RT_CLEANUP_FD int ours = pair[0];
	RT_CLEANUP_FD int theirs = pair[1];
	struct launch launch = {.helper = helper,
		.program = program,
		.control = theirs,
		.listener = target >= 0 ? target : listener,
		.preserved = (int)args[6].integer};
	snprintf(launch.first, sizeof(launch.first), "%d", RT_FD_FIRST + launch.preserved);
	long pid = clone_helper(&launch, (uint64_t)args[1].integer, args[2].data, args[3].data);
	if (pid < 0)
		return pid;
	if (launch.error != 0) {
		rt_sys(wait4, pid, NULL, 0, NULL);
		return -launch.error;
	}
	result->numbers[0] = pid;
	result->numbers[1] = rt_steal_fd(&ours);
	result->count = 2;
	return 0;
}

int64_t rt_fn_receive(const struct rt_value *args, struct rt_result *result)
{
	int timeout_ms = (int)args[1].integer;
	struct pollfd poll = {(int)args[0].integer, POLLIN, 0};
	struct {
		int64_t seconds, nanoseconds;
	} limit = {timeout_ms / 1000, timeout_ms % 1000 * 1000000L};
	long ready;
	do
		ready = rt_sys(ppoll, &poll, 1, timeout_ms < 0 ? NULL : &limit, NULL, 0);
	while (ready == -EINTR);
	if (ready <= 0)
		return ready < 0 ? ready : -ETIMEDOUT;
	char *record = malloc(RECORD_MAX);
	if (record == NULL)
		return -ENOMEM;
	int fd;
	long size = rt_receive_descriptor(poll.fd, record, RECORD_MAX, &fd);
	if (size < 0 && size != -ECONNRESET) {
		free(record);
		return size;
	}
	if (fd >= 0 && size >= (long)sizeof(struct rt_record_header))
		((struct rt_record_header *)(void *)record)->value = (uint32_t)fd;
	result->data = record;
	result->length = size < 0 ? 0 : (size_t)size;
	return 0;
}

int64_t rt_fn_send(const struct rt_value *args, struct rt_result *result)
{
	(void)result;
	return rt_sys(
		sendto, args[0].integer, args[1].data, args[1].length, 0x4000 /* MSG_NOSIGNAL */, NULL, 0);
}

int64_t rt_fn_connect(const struct rt_value *args, struct rt_result *result)
{
	(void)result;
	struct sockaddr_un address;
	RT_CLEANUP_FD int directory = -1;
	int status = socket_address(args[0].data, &address, &directory);
	if (status < 0)
		return status;
	RT_CLEANUP_FD int fd = (int)rt_sys(socket, UNIX_FAMILY, args[1].integer | O_CLOEXEC, 0);
	if (fd < 0)
		return fd;
	long connected = rt_sys(connect, fd, &address, sizeof(address));
	return connected < 0 ? connected : rt_steal_fd(&fd);
}

int64_t rt_fn_sendDescriptor(const struct rt_value *args, struct rt_result *result)
{
	(void)result;
	return rt_send_descriptor((int)args[0].integer, args[2].data, args[2].length, (int)args[1].integer);
}

int64_t rt_fn_waitChild(const struct rt_value *args, struct rt_result *result)
{
	(void)result;
	int raw = 0;
	long pid;
	do
		pid = rt_sys(wait4, args[0].integer, &raw, 0, NULL);
	while (pid == -EINTR);
	return pid < 0 ? pid : raw;
}

/* Runs host operations in this process: nothing, or [index of the failing op, errno, item of the op]. */
int64_t rt_fn_runProgram(const struct rt_value *args, struct rt_result *result)
{
	struct rt_reader reader;
	uint32_t count;
	if (!rt_check_program((const uint8_t *)args[0].data, args[0].length, true, &reader, &count))
		return -EPROTO;
	struct rt_context *context = malloc(sizeof(*context));
	if (context == NULL)
		return -ENOMEM;
	rt_context_init(context, -1, -1);
	result->count = 0;
	for (uint32_t index = 0; index < count; index++) {
		struct rt_op op;
		rt_next_op(&reader, &op);
		int status = rt_run_op(context, &op);
		if (status >= 0)
			continue;
		result->numbers[0] = index;
		result->numbers[1] = -status;
		result->numbers[2] = context->item;
		result->count = 3;
		break;
	}
	rt_context_close(context);
	free(context);
	return 0;
}

static size_t put_u32(char *at, uint32_t value)
{
	memcpy(at, &value, sizeof(value));
	return sizeof(value);
}

static size_t put_text(char *at, const char *text, uint32_t length)
{
	size_t size = put_u32(at, length);
	memcpy(at + size, text, length);
	return size + length;
}

int64_t rt_fn_runHook(const struct rt_value *args, struct rt_result *result)
{
	RT_CLEANUP_FD int directory = rt_open_how(AT_FDCWD, args[3].data, O_PATH | O_DIRECTORY, 0, 0);
	if (directory < 0)
		return directory;
	struct rt_hook_result *hook = malloc(sizeof(*hook));
	char *record = malloc(sizeof(*hook));
	if (hook == NULL || record == NULL) {
		free(hook);
		free(record);
		return -ENOMEM;
	}
	int status = rt_hook_run(args[0].data, args[1].list, args[2].list, directory, args[4].data,
		args[4].length, (uint32_t)args[5].integer, hook);
	size_t size = put_u32(record, hook->outcome);
	size += put_u32(record + size, hook->value);
	size += put_text(record + size, hook->out, hook->out_length);
	size += put_text(record + size, hook->err, hook->err_length);
	free(hook);
	if (status < 0) {
		free(record);
		return status;
	}
	result->data = record;
	result->length = size;
	return 0;
}
