/* A seccomp filter that a process loads before execve(2). */
#ifndef RT_FILTER_H
#define RT_FILTER_H

#include "sys.h"

#include <linux/filter.h>
#include <linux/seccomp.h>

struct rt_filter {
	uint32_t flags; /* of seccomp(2) */
	struct sock_fprog program;
};

/* Returns 0, the listener's descriptor if the flags request one, or a negative errno. */
static inline long rt_filter_load(const struct rt_filter *filter)
{
	return rt_sys(seccomp, SECCOMP_SET_MODE_FILTER, filter->flags, &filter->program);
}

/* The same for an op. A listener goes to the runtime, by a thread that is not filtered, so that no rule keeps the
 * listener from it; this process makes no system call until it is sent. Returns 0 or a negative errno. */
struct rt_context;
int rt_load_filter(struct rt_context *context, const struct rt_filter *filter);

#endif
