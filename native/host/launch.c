/* Native functions that start the helper, and run programs and hooks on the host. */
#include "address.h"
#include "clone_helper.h"
#include "functions.h"
#include "result.h"
#include "trace.h"

#include "../helper/context.h"
#include "../helper/descriptor.h"
#include "../helper/hook.h"
#include "../helper/init.h"
#include "../helper/net_device.h"
#include "../helper/record.h"
#include "../helper/sys.h"

#include <asm/socket.h>
#include <linux/mman.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The helper program, embedded at build time. */
extern const unsigned char rt_helper_start[], rt_helper_end[];

rt_function rt_fn_runProgram, rt_fn_launch, rt_fn_waitChild, rt_fn_runHook, rt_fn_netDeviceState;

enum {
	MEMFD_CLOEXEC = 1,
	MEMFD_ALLOW_SEALING = 2,
	MEMFD_EXEC = 0x10, /* Linux 6.3 */
	ADD_SEALS = 1033,
	SEAL_ALL = 0xf, /* SEAL, SHRINK, GROW, WRITE */
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

static int listen_at(const char *path)
{
	struct rt_address address;
	RT_CLEANUP_FD int directory = -1;
	int status = rt_socket_address(path, &address, &directory);
	if (status < 0)
		return status;
	RT_CLEANUP_FD int fd = (int)rt_sys(socket, RT_AF_UNIX, RT_SOCK_SEQPACKET | O_CLOEXEC, 0);
	if (fd < 0)
		return fd;
	rt_sys(fchmod, fd, 0600); /* bind(2) creates the file with this mode */
	long result = rt_sys(bind, fd, &address.address, address.length);
	if (result >= 0)
		result = rt_sys(listen, fd, 8);
	return result < 0 ? (int)result : rt_steal_fd(&fd);
}

/* Traces the ops of a program that runs in this process. */
static void trace_program(struct rt_context *context, const struct rt_program *program)
{
	int fd;
	context->trace = program->trace == 0 ? NULL : rt_trace_memory(&fd);
	context->trace_number = program->trace;
}

/* Bit mask of the helper's open descriptors. */
static unsigned given(const struct launch *launch)
{
	return 1u << RT_FD_PROGRAM | 1u << RT_FD_CONTROL | (launch->listener >= 0) << RT_FD_LISTENER |
	       (launch->filter >= 0) << RT_FD_FILTER;
}

/* Result of a launch that fails: [negative errno, name of the call]. */
static int64_t not_started(struct rt_result *result, const char *call, long status)
{
	result->numbers[0] = status;
	result->count = 1;
	return rt_result_copy(result, call, strlen(call));
}

int64_t rt_fn_launch(const struct rt_value *args, struct rt_result *result)
{
	int pair[2];
	RT_CLEANUP_FD int helper = sealed_memfd(
		"rt-init", MEMFD_EXEC, rt_helper_start, (size_t)(rt_helper_end - rt_helper_start));
	if (helper < 0)
		return not_started(result, "memfd_create", helper);
	RT_CLEANUP_FD int program = sealed_memfd("rt-program", 0, args[0].data, args[0].length);
	if (program < 0)
		return not_started(result, "memfd_create", program);
	int target = (int)args[4].integer;
	RT_CLEANUP_FD int listener = args[3].length > 0 ? listen_at(args[3].data) : -1;
	if (args[3].length > 0 && listener < 0)
		return not_started(result, "bind", listener);
	long status = rt_sys(socketpair, RT_AF_UNIX, RT_SOCK_SEQPACKET | O_CLOEXEC, 0, pair);
	if (status < 0)
		return not_started(result, "socketpair", status);
	RT_CLEANUP_FD int ours = pair[0];
	RT_CLEANUP_FD int theirs = pair[1];
	/* Makes the kernel attach the sender's pid to each record. */
	if (args[7].integer != 0)
		status = rt_sys(setsockopt, ours, SOL_SOCKET, SO_PASSCRED, &(int){1}, sizeof(int));
	if (status >= 0 && args[6].integer != 0)
		status = rt_sys(socketpair, RT_AF_UNIX, RT_SOCK_STREAM | O_CLOEXEC, 0, pair);
	if (status < 0)
		return not_started(result, "socketpair", status);
	RT_CLEANUP_FD int our_filter = args[6].integer != 0 ? pair[0] : -1;
	RT_CLEANUP_FD int their_filter = args[6].integer != 0 ? pair[1] : -1;
	struct launch launch = {.helper = helper,
		.program = program,
		.control = theirs,
		.listener = target >= 0 ? target : listener,
		.filter = their_filter,
		.trace = -1,
		.preserved = (int)args[5].integer};
	if (rt_is_traced((const uint8_t *)args[0].data, args[0].length) &&
		rt_trace_memory(&launch.trace) == NULL)
		return not_started(result, "mmap", -ENOMEM);
	snprintf(launch.first, sizeof(launch.first), "%d", RT_FD_FIRST + launch.preserved);
	snprintf(launch.given, sizeof(launch.given), "%u", given(&launch));
	long pid = rt_clone_helper(&launch, (uint64_t)args[1].integer, args[2].data);
	if (pid < 0)
		return not_started(result, "clone3", pid);
	if (launch.error != 0) {
		rt_sys(wait4, pid, NULL, 0, NULL);
		return not_started(result, launch.call, -launch.error);
	}
	result->numbers[0] = pid;
	result->numbers[1] = rt_steal_fd(&ours);
	result->numbers[2] = rt_steal_fd(&our_filter);
	result->count = 3;
	return 0;
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

/* Runs host operations in this process. Result: empty, or [index of the failing op, errno, item of the op,
 * name of the call]. */
int64_t rt_fn_runProgram(const struct rt_value *args, struct rt_result *result)
{
	struct rt_program program;
	if (!rt_check_program((const uint8_t *)args[0].data, args[0].length, true, &program))
		return -EPROTO;
	struct rt_context *context = malloc(sizeof(*context));
	if (context == NULL)
		return -ENOMEM;
	rt_context_init(context, -1, -1);
	trace_program(context, &program);
	uint32_t index;
	int status = rt_run_ops(context, &program, &index);
	if (status < 0) {
		result->numbers[0] = index;
		result->numbers[1] = -status;
		result->numbers[2] = context->item;
		result->count = 3;
		status = (int)rt_result_copy(result, context->call, strlen(context->call));
	}
	rt_context_close(context);
	free(context);
	return status;
}

int64_t rt_fn_netDeviceState(const struct rt_value *args, struct rt_result *result)
{
	char *state = malloc(RT_NET_DEVICE_STATE_MAX);
	if (state == NULL)
		return -ENOMEM;
	long length = rt_net_device_state(args[0].data, state, RT_NET_DEVICE_STATE_MAX);
	if (length < 0) {
		free(state);
		return length;
	}
	result->data = state;
	result->length = (size_t)length;
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
	char *record =
		malloc(sizeof(*hook)); /* NOLINT(clang-analyzer-unix.MallocSizeof): room for its parts */
	if (hook == NULL || record == NULL) {
		free(hook);
		free(record);
		return -ENOMEM;
	}
	int outputs[2] = {(int)args[6].integer, (int)args[7].integer};
	const struct rt_iovec input = {args[4].data, args[4].length};
	extern char **environ;
	const char *const *env = args[8].integer ? (const char *const *)environ : args[2].list;
	int status = rt_hook_run(args[0].data, args[1].list, env, directory, &input, 1,
		(uint32_t)args[5].integer, outputs, NULL, hook);
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
