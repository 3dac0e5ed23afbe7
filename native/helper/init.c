/* The helper's main, run by execveat(2) of a sealed memfd. The helper is the container's init, clones it, or is a
 * further process of a container. It checks its whole program before it runs the ops in order; the last is execve. */
#include "init.h"

#include "record.h"
#include "sys.h"

#include <linux/mman.h>
#include <linux/prctl.h>

enum { NO_OP = 0xffffffff };

static int map_program(struct rt_context *context, int fd, const uint8_t **bytes, size_t *size)
{
	struct statx st;
	int status = rt_statx(fd, &st);
	if (status < 0)
		return rt_fail(context, "statx", status);
	*size = (size_t)st.stx_size;
	long memory = rt_sys(mmap, NULL, *size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (memory < 0 && memory > -RT_PATH_MAX)
		return rt_fail(context, "mmap", memory);
	*bytes = (const uint8_t *)memory;
	return 0;
}

/* A write to a closed control socket must fail with EPIPE, not kill the process silently. */
static void ignore_sigpipe(void)
{
	struct {
		long handler;
		unsigned long flags;
		void *restorer;
		uint64_t mask;
	} action = {1 /* SIG_IGN */, 0, NULL, 0};
	rt_sys(rt_sigaction, SIGPIPE, &action, NULL, sizeof(action.mask));
}

static int prepare(struct rt_context *context, int first)
{
	/* Non-dumpable before anything is shared with a container: no ptrace, no /proc/PID/fd. A non-dumpable
	 * process can only be accessed with privileges in the user namespace in which it was executed, here
	 * the runtime's. This still holds after it has entered another one, and for its children. */
	int status = rt_hide(context);
	if (status == 0)
		status = rt_end_with_parent(context);
	if (status < 0)
		return status;
	rt_sys(prctl, PR_SET_NAME, "rt:init", 0, 0, 0);
	ignore_sigpipe();
	rt_sys(umask, 0);
	long done = rt_sys(close_range, first, ~0u, 4 /* CLOSE_RANGE_CLOEXEC */);
	if (done < 0)
		return rt_fail(context, "close_range", done);
	done = rt_sys(setsid);
	return done < 0 ? rt_fail(context, "setsid", done) : 0;
}

/* Parses a decimal argument. The kernel puts argc, then argv on the stack (execve(2)). */
static int argument(const long *stack, int index)
{
	int number = 0;
	const char *digits = stack[0] > index ? (const char *)stack[1 + index] : "";
	for (; *digits >= '0' && *digits <= '9'; digits++)
		number = number * 10 + (*digits - '0');
	return number;
}

static void open_trace(struct rt_context *context, int fd, uint32_t number)
{
	context->trace = rt_trace_map(fd);
	context->trace_number = number;
	rt_sys(close, fd);
}

/* The runtime looks into the container to explain a failure, then closes the socket. A seccomp filter may refuse the
 * call, or kill this process for it: then less can be explained. */
static void await_runtime(int control)
{
	char byte;
	while (rt_sys(read, control, &byte, sizeof(byte)) > 0)
		;
}

_Noreturn void rt_init_main(const long *stack)
{
	static struct rt_context context;
	struct rt_program program;
	uint32_t index = NO_OP;
	size_t size = 0;
	int first = argument(stack, 1), given = argument(stack, 2);
	rt_context_init(
		&context, first + RT_FD_CONTROL, given >> RT_FD_LISTENER & 1 ? first + RT_FD_LISTENER : -1);
	context.filter = given >> RT_FD_FILTER & 1 ? first + RT_FD_FILTER : -1;
	context.first = first;
	const uint8_t *bytes = NULL;
	int status = prepare(&context, first);
	if (status == 0)
		status = map_program(&context, first + RT_FD_PROGRAM, &bytes, &size);
	if (status == 0 && !rt_check_program(bytes, size, false, &program))
		status = rt_fail(&context, "program", -EPROTO);
	if (status == 0) {
		if (program.trace != 0)
			open_trace(&context, first + RT_FD_COUNT, program.trace);
		status = rt_run_ops(&context, &program, &index);
	}
	if (context.hook_failed)
		rt_report(&context, RT_RECORD_HOOK_FAILED, index, context.hook_outcome, context.hook_value);
	else if (status < 0)
		rt_report(&context, RT_RECORD_FAILED, index, (uint32_t)-status, 0);
	if (context.hook_failed || status < 0)
		await_runtime(context.control);
	rt_leave(RT_EXIT_FAILED);
}
