/* Replaces arena.c and arrange.c in AddressSanitizer builds, which must see each block. Memory comes from
 * malloc, and the program's byte code (embedded.S) is evaluated at each start, because a heap image cannot
 * contain the sanitizer's shadow memory. */
#include "arena.h"
#include "arrange.h"
#include "engine.h"

#include <malloc.h>
#include <stdlib.h>

/* Memory is deliberately not freed before exit. An allocation beyond the available memory returns NULL to the
 * engine. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0:allocator_may_return_null=1";
}

bool rt_heap_arranges;

static bool exhausted;

bool rt_heap_is_exhausted(void)
{
	return exhausted;
}

static void *noted(void *pointer)
{
	exhausted |= !pointer;
	return pointer;
}

static void *engine_malloc(JSMallocState *state, size_t size)
{
	(void)state;
	return noted(malloc(size));
}

static void engine_free(JSMallocState *state, void *pointer)
{
	(void)state;
	free(pointer);
}

static void *engine_realloc(JSMallocState *state, void *pointer, size_t size)
{
	(void)state;
	if (pointer && size == 0) {
		free(pointer);
		return NULL;
	}
	return pointer || size > 0 ? noted(realloc(pointer, size)) : NULL;
}

static size_t usable(const void *pointer)
{
	return malloc_usable_size((void *)pointer);
}

const JSMallocFunctions rt_arena_functions = {engine_malloc, engine_free, engine_realloc, usable};

void rt_heap_prefault(enum rt_heap_use use)
{
	(void)use;
}

extern const uint8_t rt_code_start[], rt_code_end[];

const struct rt_heap_root *rt_heap_root(void)
{
	static struct rt_heap_root root;
	root.context =
		rt_engine_start((struct rt_code){rt_code_start, (size_t)(rt_code_end - rt_code_start)});
	if (!root.context)
		_Exit(1);
	JSValue global = JS_GetGlobalObject(root.context);
	root.start = JS_GetPropertyStr(root.context, global, "start");
	return &root;
}

void rt_heap_begin(void)
{
}

/* There is no image to write. */
const void *rt_heap_seal(struct rt_heap_root root)
{
	(void)root;
	return NULL;
}

char *rt_heap_fix_addresses(size_t size)
{
	(void)size;
	return NULL;
}

bool rt_heap_learn(void)
{
	return false;
}

bool rt_heap_scatter(void)
{
	return false;
}

bool rt_heap_watch(enum rt_heap_use use)
{
	(void)use;
	return false;
}
