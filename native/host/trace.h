/* The memory in which --trace records ops; see helper/trace.h. */
#ifndef RT_HOST_TRACE_H
#define RT_HOST_TRACE_H

#include "../helper/trace.h"

/* Created on the first call. NULL if out of memory; *fd is its memfd. */
struct rt_trace *rt_trace_memory(int *fd);

#endif
