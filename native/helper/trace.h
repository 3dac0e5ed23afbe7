/* Notes when each op began and ended, for --trace: in memory that the processes of a container share with the runtime
 * until the program runs. src/diag/trace.ts reads it. */
#ifndef RT_TRACE_H
#define RT_TRACE_H

#include <stddef.h>
#include <stdint.h>

/* Number of the program in the records of what `start` sets going: it did not make the program. */
enum { RT_TRACE_STARTED = 0xffffffff };

/* Times are CLOCK_REALTIME: a time namespace shifts the others. */
struct rt_trace_record {
	uint32_t program; /* number from its header */
	uint32_t index;   /* of the op in the program */
	uint32_t code;    /* of the op */
	int32_t status;   /* its result */
	uint32_t began_s, began_ns;
	uint32_t ended_s, ended_ns; /* 0 while it runs */
};

struct rt_trace {
	uint32_t count; /* of records that were begun, in any process */
	uint32_t room;
	struct rt_trace_record records[];
};

/* Maps the trace in `fd`, close-on-exec from now on; NULL when it is none. */
struct rt_trace *rt_trace_map(int fd);

/* NULL when there is no trace, or no room. */
struct rt_trace_record *rt_trace_begin(
	struct rt_trace *trace, uint32_t program, uint32_t index, uint32_t code);
void rt_trace_end(struct rt_trace_record *record, int status);

#endif
