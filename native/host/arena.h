/* Memory of the JavaScript engine, and of the C library.
 *
 * The engine is started once, at build time: the unsealed binary sets up the engine, evaluates the program
 * and writes out its heap, which becomes the section .rt_heap of the rt binary (see rt.c). The kernel then
 * maps it on demand like any other data, whereas starting the engine and loading 300 KB of byte code took a
 * millisecond. The addresses match because the binary is static, not position-independent, and linked once.
 */
#ifndef RT_ARENA_H
#define RT_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "prefault.h"
#include "quickjs.h"

enum { RT_HEAP_SIZE = 3008 * 1024 };

/* Allocator for JS_NewRuntime2. malloc and related functions use the same allocator on a separate heap.
 * Memory never returns to the kernel; a freed block is reused for the next request of its size. */
extern const JSMallocFunctions rt_arena_functions;

/* The entry points of a sealed heap. */
struct rt_heap_root {
	JSContext *context;
	JSValue start; /* the program's entry point, a function of the argument list */
};

/* NULL in an unsealed binary. */
const struct rt_heap_root *rt_heap_root(void);

/* True after the kernel has refused memory. */
bool rt_heap_is_exhausted(void);

/* At build time, first: later memory comes from fixed addresses, because pointers, and hashes of pointers, become part
 * of the image. Returns the end of a stack of `size` bytes there, or NULL. */
char *rt_heap_fix_addresses(size_t size);

/* Pages from the kernel, with additional flags of mmap(2), or NULL. */
char *rt_heap_map(size_t size, int flags);

/* At build time, before the engine starts: takes the engine's memory from the image from now on. */
void rt_heap_begin(void);

/* Ends the image; later memory comes from elsewhere. Returns the RT_HEAP_SIZE bytes of the section, or NULL
 * if the heap has outgrown it. */
const void *rt_heap_seal(struct rt_heap_root root);

#endif
