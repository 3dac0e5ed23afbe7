/* The placement of heap blocks in the image (arena.h), decided at build time.
 *
 * A command uses a fifth of the heap. Used blocks are adjacent, so that few pages are mapped, and blocks that are
 * written lie at the front: most writes are to reference counts, which change with each use and cause a copy of
 * the page. A rehearsal finds these blocks (native/build/rehearsal.js). The engine allocates the same blocks in the
 * same order at each start, so a block is identified by its position in that order.
 */
#ifndef RT_ARRANGE_H
#define RT_ARRANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "prefault.h"

/* A block's class precedes it. A block starts at 8 mod 16, so that the memory after its header is aligned for
 * any type. */
enum { RT_PAGE = 4096, RT_BLOCK_HEADER = sizeof(uint64_t) };

/* Call first: shares the findings of the rehearsing process with this one. */
bool rt_heap_learn(void);

/* In the rehearsing process, before the engine starts: gives each block pages of its own. */
bool rt_heap_scatter(void);

/* Then: attributes accesses from now on to `use`, unless a block is already attributed to an earlier use. */
bool rt_heap_watch(enum rt_heap_use use);

/* True while the engine starts. */
extern bool rt_heap_arranges;

/* Reserves space for the blocks of each use, consecutively from `at`; none if nothing was learned. `ends`
 * receives the end of each area. Returns the end of the last. */
char *rt_heap_areas(char *at, char *ends[RT_HEAP_RARE]);

/* Space for the next block in allocation order; NULL if it may lie anywhere. */
void *rt_heap_arrange(size_t size);

#endif
