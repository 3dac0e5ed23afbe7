/* The helper's main: the container's init from birth, run by execveat(2) of a sealed memfd. It checks its
 * program completely, then runs one op after another; the last is execve. */
#include "init.h"

#include "record.h"
#include "sys.h"

#include <linux/mman.h>
#include <linux/prctl.h>

enum { SIGPIPE_NUMBER = 13, SIGKILL_NUMBER = 9, NO_OP = 0xffffffff };

static const uint8_t *map_program(int fd, size_t *size)
{
	struct statx st;
	if (rt_statx(fd, &st) < 0)
		return NULL;
	*size = (size_t)st.stx_size;
	long memory = rt_sys(mmap, NULL, *size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (memory < 0 && memory > -RT_PATH_MAX)
		return NULL;
	rt_sys(close, fd);
	return (const uint8_t *)memory;
}

/* A closed control socket must be an error of write(2), not the end of the process without a word. */
static void ignore_sigpipe(void)
{
	struct {
		long handler;
		unsigned long flags;
		void *restorer;
		uint64_t mask;
	} action = {1 /* SIG_IGN */, 0, NULL, 0};
	rt_sys(rt_sigaction, SIGPIPE_NUMBER, &action, NULL, sizeof(action.mask));
}

static void prepare(int first)
{
	rt_sys(prctl, PR_SET_PDEATHSIG, SIGKILL_NUMBER, 0, 0, 0);
	/* Not dumpable before anything is shared with a container: no ptrace, no /proc/PID/fd. */
	rt_sys(prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
	rt_sys(prctl, PR_SET_NAME, "rt:init", 0, 0, 0);
	for (int fd = first + RT_FD_CONTROL; fd < first + RT_FD_COUNT; fd++)
		rt_sys(fcntl, fd, 2 /* F_SETFD */, 1 /* FD_CLOEXEC */);
	ignore_sigpipe();
	rt_sys(setsid);
	rt_sys(umask, 0);
}

static _Noreturn void leave(void)
{
	for (;;)
		rt_sys(exit_group, RT_EXIT_FAILED);
}

/* What the kernel put on the stack: argc, then argv (execve(2)). argv[1] is a decimal number. */
static int first_descriptor(const long *stack)
{
	int first = 0;
	const char *digits = stack[0] > 1 ? (const char *)stack[2] : "";
	for (; *digits >= '0' && *digits <= '9'; digits++)
		first = first * 10 + (*digits - '0');
	return first;
}

_Noreturn void rt_init_main(const long *stack)
{
	static struct rt_context context;
	struct rt_reader reader;
	uint32_t count;
	size_t size = 0;
	int first = first_descriptor(stack);
	rt_context_init(&context, first + RT_FD_CONTROL, first + RT_FD_LISTENER);
	context.filter = first + RT_FD_FILTER;
	context.first_free = first + RT_FD_COUNT;
	prepare(first);
	const uint8_t *program = map_program(first + RT_FD_PROGRAM, &size);
	if (program == NULL || !rt_check_program(program, size, false, &reader, &count)) {
		context.call = "program";
		rt_report(&context, RT_RECORD_FAILED, NO_OP, EPROTO, 0);
		leave();
	}
	for (uint32_t index = 0; index < count; index++) {
		struct rt_op op;
		rt_next_op(&reader, &op);
		context.detail_length = 0;
		int status = rt_run_op(&context, &op);
		if (status >= 0)
			continue;
		if (context.hook_failed)
			rt_report(&context, RT_RECORD_HOOK_FAILED, index, context.hook_outcome,
				context.hook_value);
		else
			rt_report(&context, RT_RECORD_FAILED, index, (uint32_t)-status, 0);
		leave();
	}
	leave();
}
