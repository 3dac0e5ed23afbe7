#include "arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

/* Block sizes: multiples of 16 up to 512, above that four to each power of two. The header keeps the
 * class, so a block needs no search when it is freed, and QuickJS may use the slack of its class. */
enum { STEP = 16, SMALL_CLASSES = 32, CLASSES = SMALL_CLASSES + 4 * 32, CHUNK = 256 * 1024 };

struct block {
	uint64_t class;
	struct block *next_free; /* only while free: memory of the user otherwise */
};

struct heap {
	char *at;
	char *end;
	struct block *free[CLASSES];
	struct rt_heap_root root;
	bool sealed;
	bool outgrown;
	_Alignas(16) char memory[];
};

/* A section of its own, so that objcopy can replace its bytes without moving anything else. */
static union {
	struct heap heap;
	char bytes[RT_HEAP_SIZE];
} image __attribute__((section(".rt_heap"), aligned(64 * 1024)));

#define arena image.heap

static unsigned int class_of(size_t size)
{
	if (size <= STEP * SMALL_CLASSES)
		return size == 0 ? 0 : (unsigned int)((size - 1) / STEP);
	unsigned int log = 63u - (unsigned int)__builtin_clzll(size - 1);
	return SMALL_CLASSES + (log - 9) * 4 + (unsigned int)(((size - 1) >> (log - 2)) & 3);
}

static size_t size_of(unsigned int class)
{
	if (class < SMALL_CLASSES)
		return (size_t)(class + 1) * STEP;
	unsigned int log = (class - SMALL_CLASSES) / 4 + 9;
	return ((size_t)1 << log) + (((class - SMALL_CLASSES) & 3) + 1) * ((size_t)1 << (log - 2));
}

/* The memory after the header is 8 mod 16: enough for every type QuickJS stores. */
static void *take(size_t size)
{
	size_t wanted = size + sizeof(uint64_t);
	if (!arena.at) {
		arena.at = arena.memory + sizeof(uint64_t);
		arena.end = image.bytes + RT_HEAP_SIZE;
	}
	if ((size_t)(arena.end - arena.at) < wanted) {
		size_t chunk = wanted > CHUNK ? (wanted + 4095) & ~(size_t)4095 : CHUNK;
		char *more = mmap(NULL, chunk, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (more == MAP_FAILED)
			return NULL;
		arena.outgrown = true;
		arena.at = more;
		arena.end = more + chunk;
	}
	void *start = arena.at;
	arena.at += wanted;
	return start;
}

static size_t arena_usable(const void *pointer)
{
	const struct block *block = (const struct block *)((const char *)pointer - sizeof(uint64_t));
	return size_of((unsigned int)block->class);
}

static void *arena_malloc(JSMallocState *state, size_t size)
{
	(void)state;
	if (size > (size_t)1 << 38)
		return NULL;
	unsigned int class = class_of(size);
	struct block *block = arena.free[class];
	if (block) {
		arena.free[class] = block->next_free;
	} else {
		block = take(size_of(class));
		if (!block)
			return NULL;
		block->class = class;
	}
	return (char *)block + sizeof(uint64_t);
}

static void arena_free(JSMallocState *state, void *pointer)
{
	(void)state;
	if (!pointer)
		return;
	struct block *block = (struct block *)((char *)pointer - sizeof(uint64_t));
	block->next_free = arena.free[block->class];
	arena.free[block->class] = block;
}

static void *arena_realloc(JSMallocState *state, void *pointer, size_t size)
{
	if (!pointer)
		return size == 0 ? NULL : arena_malloc(state, size);
	if (size == 0) {
		arena_free(state, pointer);
		return NULL;
	}
	size_t old = arena_usable(pointer);
	if (size <= old)
		return pointer;
	void *larger = arena_malloc(state, size);
	if (!larger)
		return NULL;
	memcpy(larger, pointer, old);
	arena_free(state, pointer);
	return larger;
}

const JSMallocFunctions rt_arena_functions = {arena_malloc, arena_free, arena_realloc, arena_usable};

const struct rt_heap_root *rt_heap_root(void)
{
	return arena.sealed ? &arena.root : NULL;
}

const void *rt_heap_seal(struct rt_heap_root root)
{
	if (arena.outgrown)
		return NULL;
	/* Fresh memory is cheaper to touch than the file-backed rest of the section. */
	arena.end = arena.at;
	arena.root = root;
	arena.sealed = true;
	return image.bytes;
}
