/* Memory of the rt binary that is written to, before it is. */
#ifndef RT_PREFAULT_H
#define RT_PREFAULT_H

/* When a page of the heap is written to. */
enum rt_heap_use {
	RT_HEAP_RARE,
	RT_HEAP_START, /* by every command; done by rt_heap_root */
	RT_HEAP_PLAN   /* by those that make a plan */
};

/* Makes pages that will be written to the process's own. One call for each stretch of them is quicker than a fault for
 * each page. */
void rt_heap_prefault(enum rt_heap_use use);

#endif
