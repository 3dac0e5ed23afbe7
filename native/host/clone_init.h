/* The clone from which init comes, by way of a stage where the plan has one. */
#ifndef RT_CLONE_INIT_H
#define RT_CLONE_INIT_H

#include "../helper/context.h"

struct launch {
	int helper, program, control, listener, filter;
	int trace;          /* -1: none */
	int preserved;      /* descriptors from 3 on that the program gets */
	char first[12];     /* RT_FD_FIRST and these, decimal */
	int kept[RT_SLOTS]; /* descriptors of the stage, in the order of their slots */
	int kept_count;
	int error; /* written by the child, which shares this memory */
};

/* The process between the runtime and init where the plan has a stage (schema/ops.json): a copy of this one,
 * so that nothing it joins can reach this memory. */
struct stage {
	struct rt_program program;
	struct rt_context context;
	/* In memory that both share. */
	struct stage_result {
		long pid; /* of init, 0 when an op failed, which the control socket tells, or a negative errno */
		int error; /* of the execveat */
	} * result;
};

/* With CLONE_NEW* `flags`, into the v2 cgroup at `cgroup` ('' for none). The pid of init; 0 when an op of the stage
 * failed, which the control socket tells; or a negative errno. launch->error is that of the execveat. */
long rt_clone_init(struct launch *launch, struct stage *stage, uint64_t flags, const char *cgroup);

#endif
