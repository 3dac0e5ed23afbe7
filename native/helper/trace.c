#include "trace.h"

#include "context.h"
#include "sys.h"

#include <linux/mman.h>

struct time {
	int64_t seconds, nanoseconds;
};

static struct time now(void)
{
	struct time time = {0, 0};
	rt_sys(clock_gettime, 0 /* CLOCK_REALTIME */, &time);
	return time;
}

struct rt_trace *rt_trace_map(int fd)
{
	struct statx st;
	if (rt_statx(fd, &st) < 0 || st.stx_size < sizeof(struct rt_trace))
		return NULL;
	rt_sys(fcntl, fd, 2 /* F_SETFD */, 1 /* FD_CLOEXEC */);
	long memory = rt_sys(mmap, NULL, st.stx_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return memory < 0 && memory > -RT_PATH_MAX ? NULL : (struct rt_trace *)memory;
}

struct rt_trace_record *rt_trace_begin(
	struct rt_trace *trace, uint32_t program, uint32_t index, uint32_t code)
{
	if (trace == NULL)
		return NULL;
	uint32_t place = __atomic_fetch_add(&trace->count, 1, __ATOMIC_RELAXED);
	if (place >= trace->room)
		return NULL;
	struct time time = now();
	trace->records[place] = (struct rt_trace_record){.program = program,
		.index = index,
		.code = code,
		.began_s = (uint32_t)time.seconds,
		.began_ns = (uint32_t)time.nanoseconds};
	return &trace->records[place];
}

void rt_trace_end(struct rt_trace_record *record, int status)
{
	if (record == NULL)
		return;
	struct time time = now();
	record->status = status;
	record->ended_ns = (uint32_t)time.nanoseconds;
	record->ended_s = (uint32_t)time.seconds;
}
