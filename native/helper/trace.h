/* Records the start and end of each op for --trace, in memory that the container's processes share with the
 * runtime until the program runs. src/diag/trace.ts reads it. */
#ifndef RT_TRACE_H
#define RT_TRACE_H

#include <stddef.h>
#include <stdint.h>

/* The program number in records made after `start`, which did not create the program. */
enum { RT_TRACE_STARTED = 0xffffffff };

/* Times are CLOCK_REALTIME, because a time namespace shifts the other clocks. */
struct rt_trace_record {
	uint32_t program; /* from its header */
	uint32_t index;   /* of the op in the program */
	uint32_t code;    /* of the op */
	int32_t status;   /* its result */
	uint32_t began_s, began_ns;
	uint32_t ended_s, ended_ns; /* 0 while running */
};

struct rt_trace {
	uint32_t count; /* records begun, by all processes */
	uint32_t room;
	struct rt_trace_record records[];
};

/* Maps the trace in `fd` and sets close-on-exec; NULL if it is not a trace. */
struct rt_trace *rt_trace_map(int fd);

/* NULL if there is no trace or no room. */
struct rt_trace_record *rt_trace_begin(
	struct rt_trace *trace, uint32_t program, uint32_t index, uint32_t code);
void rt_trace_end(struct rt_trace_record *record, int status);

#endif
