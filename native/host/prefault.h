/* Prefaults memory of the rt binary that will be written to. */
#ifndef RT_PREFAULT_H
#define RT_PREFAULT_H

/* What a heap block is used for, in memory order. */
enum rt_heap_use {
	RT_HEAP_START, /* written to by every command; rt_heap_root prefaults them */
	RT_HEAP_PLAN,  /* written to by commands that make a container */
	RT_HEAP_START_READ,
	RT_HEAP_PLAN_READ,
	RT_HEAP_RARE,
	RT_HEAP_USES
};

/* Prefaults the pages of a use, which are adjacent: one call is faster than a page fault for each. */
void rt_heap_prefault(enum rt_heap_use use);

#endif
