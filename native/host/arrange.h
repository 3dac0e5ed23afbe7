/* Where the blocks of the heap lie in the image (arena.h), which is decided at build time.
 *
 * A command uses a fifth of the heap. What is used lies together, so that few pages are mapped, and what is written to
 * lies at the front: most of that is reference counts, which go up and down with each use and make a page the
 * process's own. A rehearsal finds out which blocks these are (native/build/rehearsal.js). The engine asks for the same
 * blocks in the same order each time it starts, so their places in that order tell which are which.
 */
#ifndef RT_ARRANGE_H
#define RT_ARRANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "prefault.h"

/* A block has its class in front. It starts at 8 mod 16, so that the memory behind is aligned for every type. */
enum { RT_PAGE = 4096, RT_BLOCK_HEADER = sizeof(uint64_t) };

/* First of all: what a second process finds out is then known to this one. */
bool rt_heap_learn(void);

/* In the second process, before the engine starts: gives each block pages of its own. */
bool rt_heap_scatter(void);

/* Then: what is used from now on is so for `use`, unless it was noted for an earlier one. */
bool rt_heap_watch(enum rt_heap_use use);

/* While blocks are asked for by the engine's start. */
extern bool rt_heap_arranges;

/* Room for the blocks of each use, one after the other from `at` on: none when nothing was learned. `ends` takes where each
 * ends. Returns the end. */
char *rt_heap_areas(char *at, char *ends[RT_HEAP_RARE]);

/* Room for the next block of the order; NULL when it may lie anywhere. */
void *rt_heap_arrange(size_t size);

#endif
