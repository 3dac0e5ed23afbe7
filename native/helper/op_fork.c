/* Steps that continue the helper in a new process, to enter namespaces made by a clone, or a pid namespace,
 * which only children enter. */
#include "context.h"
#include "record.h"
#include "sys.h"

#include <asm/ioctls.h>

/* Restores what a fork does not inherit. Memory, and with it the dumpable attribute, is inherited. */
static int settle(struct rt_context *context)
{
	int status = rt_end_with_parent(context);
	long session = status < 0 ? 0 : rt_sys(setsid);
	return session < 0 ? rt_fail(context, "setsid", session) : status;
}

int rt_clone_init(struct rt_context *context, const struct rt_op_clone_init *op)
{
	struct clone_args clone = {.flags = op->flags | CLONE_PARENT};
	long pid = rt_sys(clone3, &clone, sizeof(clone));
	if (pid < 0)
		return rt_fail(context, "clone3", pid);
	if (pid > 0)
		rt_leave(0);
	int status = settle(context);
	return status < 0 ? status : rt_report_forked(context, RT_RECORD_FORKED);
}

int rt_fork_init(struct rt_context *context)
{
	int ready[2];
	uint32_t own;
	if (!context->pid_joined)
		return 0;
	int closed = rt_close_rest(context);
	if (closed < 0)
		return closed;
	long status = rt_sys(pipe2, ready, O_CLOEXEC);
	if (status < 0)
		return rt_fail(context, "pipe2", status);
	/* The terminal would be hung up when this process, its session leader, exits: the child takes it over. */
	bool terminal = rt_sys(ioctl, 0, TIOCNOTTY, 0) >= 0;
	/* Not clone3(2), which many seccomp profiles refuse; the filter may already be loaded. */
	long pid = rt_sys(clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
	if (pid < 0)
		return rt_fail(context, "clone", pid);
	if (pid > 0) {
		own = (uint32_t)pid;
		rt_sys(write, ready[1], &own, sizeof(own));
		rt_leave(0);
	}
	rt_close(&ready[1]);
	if (rt_sys(read, ready[0], &own, sizeof(own)) != sizeof(own))
		return rt_fail(context, "read", -EPIPE);
	rt_close(&ready[0]);
	rt_note_host_pid(context, own);
	/* A filter may refuse this; no other process is in the old session. */
	settle(context);
	status = rt_report_forked(context, RT_RECORD_FORKED);
	if (status >= 0 && terminal) {
		status = rt_sys(ioctl, 0, TIOCSCTTY, 0);
		if (status < 0)
			return rt_fail(context, "ioctl", status);
	}
	return status < 0 ? (int)status : 0;
}
