/* The clone from which the helper comes. */
#ifndef RT_CLONE_HELPER_H
#define RT_CLONE_HELPER_H

#include <stdint.h>

struct launch {
	int helper, program, control, listener, filter;
	int trace;      /* -1: none */
	int preserved;  /* descriptors from 3 on that the program gets */
	char first[12]; /* RT_FD_FIRST and these, decimal */
	char given[4];  /* which of the helper's descriptors there are: a bit for each, decimal */
	int error;      /* written by the child, which shares this memory */
};

/* With CLONE_NEW* `flags`, into the v2 cgroup at `cgroup` ('' for none). The pid of the helper or a negative errno.
 * launch->error is that of the execveat. */
long rt_clone_helper(struct launch *launch, uint64_t flags, const char *cgroup);

#endif
