/* The memory in which --trace keeps what the ops did; see helper/trace.h. */
#ifndef RT_HOST_TRACE_H
#define RT_HOST_TRACE_H

#include "../helper/trace.h"

/* Made at the first call. NULL when there is no memory; *fd is the memfd that it is in. */
struct rt_trace *rt_trace_memory(int *fd);

#endif
