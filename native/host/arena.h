/* Memory of the JavaScript engine, and of the C library around it.
 *
 * The engine is started once, at build time: the unsealed binary sets up the engine, evaluates the program
 * and writes its heap out, and that image becomes the section .rt_heap of the rt binary (see rt.c). The
 * kernel then maps it like any other data, page by page as it is touched, where starting the engine and
 * loading 300 KB of byte code took a millisecond. It works because the addresses are the same in both:
 * the binary is static and not position-independent, and both are one link.
 */
#ifndef RT_ARENA_H
#define RT_ARENA_H

#include <stdbool.h>

#include "prefault.h"
#include "quickjs.h"

enum { RT_HEAP_SIZE = 2560 * 1024 };

/* Functions for JS_NewRuntime2. malloc and its kin work alike, on memory of their own. None is ever given back to the
 * kernel; a freed block is reused for the next request of its size. */
extern const JSMallocFunctions rt_arena_functions;

/* What a sealed heap offers to the process that starts with it. */
struct rt_heap_root {
	JSContext *context;
	JSValue start; /* the program's entry point, a function of the argument list */
};

/* NULL in an unsealed binary. */
const struct rt_heap_root *rt_heap_root(void);

/* The kernel has refused memory. */
bool rt_heap_is_exhausted(void);

/* At build time, before the engine starts: its memory comes from the image from now on. */
void rt_heap_begin(void);

/* Ends the image; later memory comes from elsewhere. Returns RT_HEAP_SIZE bytes to be put into the section,
 * NULL when the heap has outgrown it. */
const void *rt_heap_seal(struct rt_heap_root root);

#endif
