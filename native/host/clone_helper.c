/* Only direct system calls (sys.h): the clone's child shares this process's memory until it executes the helper. */
#include "clone_helper.h"

#include "../helper/clone.h"
#include "../helper/init.h"
#include "../helper/sys.h"

/* Duplicates `fd` to `above` or higher; -1 stays -1. EINVAL means that `above` exceeds RLIMIT_NOFILE. */
static int lift(int fd, int above, long *status)
{
	if (fd < 0)
		return -1;
	long copy = rt_sys(fcntl, fd, F_DUPFD_CLOEXEC, above);
	if (copy < 0 && *status >= 0)
		*status = copy == -EINVAL ? -EMFILE : copy;
	return (int)copy;
}

/* Moves the helper's descriptors into place. The descriptor table is a copy, but memory is the parent's: only
 * system calls. */
static void run_helper(void *argument)
{
	struct launch *launch = argument;
	const int from[] = {launch->program, launch->control, launch->listener, launch->filter};
	const int first = RT_FD_FIRST + launch->preserved;
	const int free = first + RT_FD_COUNT;
	const int above = free + 1;
	int high[RT_FD_COUNT];
	long status = 0;
	for (int i = 0; i < RT_FD_COUNT; i++)
		high[i] = lift(from[i], above, &status);
	int helper = lift(launch->helper, above, &status);
	int trace = lift(launch->trace, above, &status);
	launch->call = status < 0 ? "fcntl" : "dup3";
	for (int i = 0; i < RT_FD_COUNT && status >= 0; i++)
		status = high[i] < 0 ? rt_sys(close, first + i) * 0 : rt_sys(dup3, high[i], first + i, 0);
	/* Node marks inherited descriptors close-on-exec; the container gets them without the flag. */
	for (int fd = 0; fd < first; fd++)
		rt_sys(fcntl, fd, 2 /* F_SETFD */, 0);
	if (status >= 0) {
		status = rt_sys(close_range, free, ~0u, 4 /* CLOSE_RANGE_CLOEXEC */);
		if (status < 0)
			launch->call = "close_range";
	}
	if (status >= 0 && launch->trace >= 0)
		status = rt_sys(dup3, trace, free, 0);
	const char *const args[] = {"rt-init", launch->first, launch->given, NULL};
	static const char *const env[] = {NULL};
	if (status >= 0) {
		launch->call = "execveat";
		status = rt_sys(execveat, helper, "", args, env, AT_EMPTY_PATH);
	}
	launch->error = (int)-status;
	rt_leave(RT_EXIT_FAILED);
}

/* All signals are blocked: a handler of this process must not run in a child that shares its memory. */
long rt_clone_helper(struct launch *launch, uint64_t flags, const char *cgroup)
{
	RT_CLEANUP_FD int cgroup_fd = -1;
	struct clone_args args = {.flags = flags | CLONE_VM | CLONE_VFORK, .exit_signal = SIGCHLD};
	if (cgroup[0] != '\0') {
		cgroup_fd = rt_open_how(AT_FDCWD, cgroup, O_PATH | O_DIRECTORY, 0, 0);
		if (cgroup_fd < 0)
			return cgroup_fd;
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)cgroup_fd;
	}
	uint64_t all = ~0ull, before = 0;
	long blocked = rt_sys(rt_sigprocmask, 2, &all, &before, sizeof(all));
	if (blocked < 0)
		return blocked;
	long pid = rt_clone(&args, sizeof(args), run_helper, launch);
	rt_sys(rt_sigprocmask, 2, &before, NULL, sizeof(before));
	return pid;
}
