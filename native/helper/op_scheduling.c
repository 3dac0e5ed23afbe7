/* Scheduling, memory policy and personality of the process. */
#include "context.h"
#include "sys.h"

/* struct sched_attr (sched_setattr(2)), which some versions of <linux/sched/types.h> lack or truncate. */
struct scheduling_attributes {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t clamp_minimum, clamp_maximum;
};

int rt_cpu_affinity(struct rt_context *context, const struct rt_op_cpu_affinity *op)
{
	uint8_t all[1024]; /* more CPUs than any kernel supports; the kernel ignores the excess */
	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = 0xff;
	long status = op->cpus.length == 0 ? rt_sys(sched_setaffinity, 0, sizeof(all), all)
					   : rt_sys(sched_setaffinity, 0, op->cpus.length, op->cpus.data);
	return status < 0 ? rt_fail(context, "sched_setaffinity", status) : 0;
}

int rt_scheduler(struct rt_context *context, const struct rt_op_scheduler *op)
{
	struct scheduling_attributes attributes = {.size = sizeof(attributes),
		.policy = op->policy,
		.flags = op->flags,
		.nice = op->nice,
		.priority = op->priority,
		.runtime = op->runtime,
		.deadline = op->deadline,
		.period = op->period};
	long status = rt_sys(sched_setattr, op->pid, &attributes, 0);
	return status < 0 ? rt_fail(context, "sched_setattr", status) : 0;
}

int rt_io_priority(struct rt_context *context, const struct rt_op_io_priority *op)
{
	long status = rt_sys(ioprio_set, 1 /* IOPRIO_WHO_PROCESS */, 0, op->value);
	return status < 0 ? rt_fail(context, "ioprio_set", status) : 0;
}

int rt_personality(struct rt_context *context, const struct rt_op_personality *op)
{
	long status = rt_sys(personality, op->persona);
	return status < 0 ? rt_fail(context, "personality", status) : 0;
}

int rt_memory_policy(struct rt_context *context, const struct rt_op_memory_policy *op)
{
	/* The kernel uses one bit less than given (set_mempolicy(2), "BUGS"). */
	unsigned long bits = op->nodes.length == 0 ? 0 : op->nodes.length * 8 + 1;
	long status = rt_sys(set_mempolicy, op->mode, bits == 0 ? NULL : op->nodes.data, bits);
	return status < 0 ? rt_fail(context, "set_mempolicy", status) : 0;
}
