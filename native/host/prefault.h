/* Memory of the rt binary that is written to, before it is. */
#ifndef RT_PREFAULT_H
#define RT_PREFAULT_H

/* What a block of the heap is used for, in the order in which the blocks lie in memory. */
enum rt_heap_use {
	RT_HEAP_START, /* written to by every command; rt_heap_root prefaults them */
	RT_HEAP_PLAN,  /* written to by those that make a container */
	RT_HEAP_START_READ,
	RT_HEAP_PLAN_READ,
	RT_HEAP_RARE,
	RT_HEAP_USES
};

/* Makes the pages of a use, which lie together, the process's own: one call is quicker than a fault for each page. */
void rt_heap_prefault(enum rt_heap_use use);

#endif
