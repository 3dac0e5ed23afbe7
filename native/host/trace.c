/* The memory in which --trace records ops. */
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "result.h"
#include "trace.h"

rt_function rt_fn_traceRecords, rt_fn_traceDescriptor;

/* Pages are allocated only when written. */
enum { ROOM = 1 << 16, SIZE = sizeof(struct rt_trace) + ROOM * sizeof(struct rt_trace_record) };

static struct rt_trace *trace;
static int descriptor = -1;

struct rt_trace *rt_trace_memory(int *fd)
{
	*fd = descriptor;
	if (trace)
		return trace;
	RT_CLOSE_FD int made = (int)syscall(SYS_memfd_create, "rt-trace", MFD_CLOEXEC);
	if (made < 0 || ftruncate(made, SIZE) < 0)
		return NULL;
	void *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, made, 0);
	if (memory == MAP_FAILED)
		return NULL;
	trace = memory;
	trace->room = ROOM;
	descriptor = *fd = made;
	made = -1;
	return trace;
}

int64_t rt_fn_traceDescriptor(const struct rt_value *args, struct rt_result *result)
{
	(void)args;
	(void)result;
	int fd;
	return rt_trace_memory(&fd) ? fd : -ENOMEM;
}

/* The records as laid out in memory (trace.h), in order of their start. */
int64_t rt_fn_traceRecords(const struct rt_value *args, struct rt_result *result)
{
	(void)args;
	if (!trace)
		return rt_result_copy(result, "", 0);
	uint32_t count = trace->count < trace->room ? trace->count : trace->room;
	return rt_result_copy(result, (const char *)trace->records, count * sizeof(trace->records[0]));
}
