/* A seccomp filter that a process loads for what it executes. */
#ifndef RT_FILTER_H
#define RT_FILTER_H

#include "sys.h"

#include <linux/filter.h>
#include <linux/seccomp.h>

struct rt_filter {
	uint32_t flags; /* of seccomp(2) */
	struct sock_fprog program;
};

/* 0, the descriptor of the listener where the flags ask for one, or a negative errno. */
static inline long rt_filter_load(const struct rt_filter *filter)
{
	return rt_sys(seccomp, SECCOMP_SET_MODE_FILTER, filter->flags, &filter->program);
}

#endif
