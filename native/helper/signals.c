#include "signals.h"

#include <linux/mman.h>
#include <stdint.h>

#include "context.h"
#include "sys.h"

enum { SET_MASK = 2 /* SIG_SETMASK */, SIGNALS = 64, RESTORER = 0x04000000 /* SA_RESTORER */ };
/* STACK: what execve(2) maps, a multiple of the largest page. */
enum { PAGE = 4096, STACK = 128 * 1024 };

/* As the kernel defines it, not the C library. */
struct action {
	void *handler;
	unsigned long flags;
	void *restorer;
	uint64_t mask;
};

void rt_default_signals(void)
{
	struct action action = {NULL, 0, NULL, 0};
	uint64_t none = 0;
	for (int signal = 1; signal <= SIGNALS; signal++)
		rt_sys(rt_sigaction, signal, &action, NULL, sizeof(action.mask));
	rt_sys(rt_sigprocmask, SET_MASK, &none, NULL, sizeof(none));
}

static _Noreturn void end(int signal)
{
	rt_leave(128 + signal);
}

/* Gives back what deeper calls have used of the stack: init may wait for `start` for days. The last page stays, for the
 * calls to come. Part of the range may not be mapped, which the kernel says when it is done (ENOMEM, madvise(2)); one
 * with larger pages takes the range only if it begins and ends with one of them. */
static void release_stack(void)
{
	uintptr_t end = ((uintptr_t)__builtin_frame_address(0) & -(uintptr_t)PAGE) - PAGE;
	rt_sys(madvise, end - STACK, STACK, MADV_DONTNEED);
}

int rt_end_on_signals(struct rt_context *context, const struct rt_op_end_on_signals *op)
{
	release_stack();
	/* x86_64 delivers no signal without a restorer, to which this handler never returns. */
	struct action action = {(void *)end, RESTORER, (void *)end, 0};
	for (int signal = 1; signal <= SIGNALS; signal++) {
		if (!(op->signals >> (signal - 1) & 1))
			continue;
		long status = rt_sys(rt_sigaction, signal, &action, NULL, sizeof(action.mask));
		if (status < 0)
			return rt_fail(context, "rt_sigaction", status);
	}
	/* The runtime has started this process with all of them blocked. */
	uint64_t blocked = ~op->signals;
	long status = rt_sys(rt_sigprocmask, SET_MASK, &blocked, NULL, sizeof(blocked));
	return status < 0 ? rt_fail(context, "rt_sigprocmask", status) : 0;
}
