/* The clone that becomes the helper. */
#ifndef RT_CLONE_HELPER_H
#define RT_CLONE_HELPER_H

#include <stdint.h>

struct launch {
	int helper, program, control, listener, filter;
	int trace;        /* -1: none */
	int preserved;    /* number of descriptors from 3 on passed to the program */
	char first[12];   /* RT_FD_FIRST plus `preserved`, decimal */
	char given[4];    /* bit mask of the helper's open descriptors, decimal */
	int error;        /* written by the child, which shares this memory */
	const char *call; /* likewise: the call that failed */
};

/* Clones with the CLONE_NEW* `flags`, into the v2 cgroup at `cgroup` ('' for none). Returns the helper's pid
 * or a negative errno; launch->error is an errno of the child, or 0. */
long rt_clone_helper(struct launch *launch, uint64_t flags, const char *cgroup);

#endif
