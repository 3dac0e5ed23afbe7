#include "arena.h"
#include "arrange.h"

#include <errno.h>
#include <linux/mman.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Block sizes, header included: multiples of 16 up to 512 bytes, then four per power of two. The header
 * stores the size class, so freeing needs no search and QuickJS can use the whole class size. */
enum { STEP = 16, SMALL_CLASSES = 32, CLASSES = SMALL_CLASSES + 4 * 32, CHUNK = 32 * 1024 };

struct block {
	uint64_t class;
	struct block *next_free; /* valid only while free; overlaps the user's data */
};

struct heap {
	char *at;
	char *end;
	struct block *free[CLASSES];
	bool outgrown; /* has taken memory from the kernel */
};

/* A section of its own, so that objcopy can replace its bytes without moving anything else. */
static union {
	struct {
		struct heap heap;
		struct rt_heap_root root;
		bool sealed;
		char *ends[RT_HEAP_RARE]; /* of each use's area, which begins where the previous one ends */
		_Alignas(STEP) char memory[];
	};
	char bytes[RT_HEAP_SIZE];
} image __attribute__((section(".rt_heap"), aligned(64 * 1024)));

/* Outside the image, which would otherwise keep the build's allocations. */
static struct heap library;

static bool exhausted;

/* Where the next pages begin at build time: far from what the kernel places. NULL: the kernel chooses. */
static char *next_pages;
enum { FIXED_GIB = 64 };

bool rt_heap_is_exhausted(void)
{
	return exhausted;
}

static size_t pages(size_t size)
{
	return (size + RT_PAGE - 1) & ~(size_t)(RT_PAGE - 1);
}

/* The class of a block of at least `size` bytes, which must not be 0. */
static unsigned int class_of(size_t size)
{
	if (size <= (size_t)STEP * SMALL_CLASSES)
		return (unsigned int)((size - 1) / STEP);
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

char *rt_heap_map(size_t size, int flags)
{
	flags |= MAP_PRIVATE | MAP_ANONYMOUS | (next_pages ? MAP_FIXED_NOREPLACE : 0);
	char *start = mmap(next_pages, size, PROT_READ | PROT_WRITE, flags, -1, 0);
	if (start == MAP_FAILED)
		return NULL;
	if (next_pages)
		next_pages += pages(size);
	return start;
}

char *rt_heap_fix_addresses(size_t size)
{
	next_pages = (char *)((size_t)FIXED_GIB << 30);
	char *stack = rt_heap_map(size, MAP_NORESERVE);
	return stack ? stack + size : NULL;
}

static void *take(struct heap *heap, size_t wanted)
{
	if ((size_t)(heap->end - heap->at) < wanted) {
		size_t chunk = pages(wanted + RT_BLOCK_HEADER);
		if (chunk < CHUNK)
			chunk = CHUNK;
		/* The engine writes to all that it takes; the library's blocks are mostly buffers that are partly used. */
		char *more = rt_heap_map(chunk, heap == &image.heap ? MAP_POPULATE : 0);
		if (!more) {
			exhausted = true;
			return NULL;
		}
		heap->outgrown = true;
		heap->at = more + RT_BLOCK_HEADER;
		heap->end = more + chunk;
	}
	void *start = heap->at;
	heap->at += wanted;
	return start;
}

static size_t usable(const void *pointer)
{
	const struct block *block = (const struct block *)((const char *)pointer - RT_BLOCK_HEADER);
	return size_of((unsigned int)block->class) - RT_BLOCK_HEADER;
}

static void *allocate(struct heap *heap, size_t size)
{
	if (size > (size_t)1 << 38)
		return NULL;
	unsigned int class = class_of(size + RT_BLOCK_HEADER);
	struct block *block = heap->free[class];
	void *arranged = rt_heap_arranges && heap == &image.heap ? rt_heap_arrange(size_of(class)) : NULL;
	if (arranged) {
		block = arranged;
		block->class = class;
	} else if (block) {
		heap->free[class] = block->next_free;
	} else {
		block = take(heap, size_of(class));
		if (!block)
			return NULL;
		block->class = class;
	}
	return (char *)block + RT_BLOCK_HEADER;
}

static void release(struct heap *heap, void *pointer)
{
	if (!pointer)
		return;
	struct block *block = (struct block *)((char *)pointer - RT_BLOCK_HEADER);
	block->next_free = heap->free[block->class];
	heap->free[block->class] = block;
}

static void *resize(struct heap *heap, void *pointer, size_t size)
{
	if (!pointer)
		return allocate(heap, size);
	size_t old = usable(pointer);
	if (size <= old)
		return pointer;
	void *larger = allocate(heap, size);
	if (!larger)
		return NULL;
	memcpy(larger, pointer, old);
	release(heap, pointer);
	return larger;
}

static void *engine_malloc(JSMallocState *state, size_t size)
{
	(void)state;
	return allocate(&image.heap, size);
}

static void engine_free(JSMallocState *state, void *pointer)
{
	(void)state;
	release(&image.heap, pointer);
}

static void *engine_realloc(JSMallocState *state, void *pointer, size_t size)
{
	(void)state;
	if (pointer && size == 0) {
		release(&image.heap, pointer);
		return NULL;
	}
	return pointer || size > 0 ? resize(&image.heap, pointer, size) : NULL;
}

const JSMallocFunctions rt_arena_functions = {engine_malloc, engine_free, engine_realloc, usable};

/* Replaces the C library's allocator, which maps each large block from the kernel and unmaps it on free. */
static void *or_enomem(void *pointer)
{
	if (!pointer)
		errno = ENOMEM;
	return pointer;
}

void *malloc(size_t size)
{
	return or_enomem(allocate(&library, size));
}

void *calloc(size_t count, size_t size)
{
	size_t total;
	void *pointer = __builtin_mul_overflow(count, size, &total) ? NULL : allocate(&library, total);
	return pointer ? memset(pointer, 0, total) : or_enomem(NULL);
}

void *realloc(void *pointer, size_t size)
{
	return or_enomem(resize(&library, pointer, size));
}

void free(void *pointer)
{
	release(&library, pointer);
}

size_t malloc_usable_size(void *pointer)
{
	return pointer ? usable(pointer) : 0;
}

/* Kernels before 5.14 lack MADV_POPULATE_WRITE; there, pages fault in as they are touched. */
void rt_heap_prefault(enum rt_heap_use use)
{
	size_t start = pages((size_t)(use == RT_HEAP_START ? image.bytes : image.ends[use - 1]));
	(void)madvise((void *)start, pages((size_t)image.ends[use]) - start, MADV_POPULATE_WRITE);
}

const struct rt_heap_root *rt_heap_root(void)
{
	if (!image.sealed)
		return NULL;
	rt_heap_prefault(RT_HEAP_START);
	return &image.root;
}

void rt_heap_begin(void)
{
	image.heap.at = rt_heap_areas(image.memory + RT_BLOCK_HEADER, image.ends);
	image.heap.end = image.bytes + RT_HEAP_SIZE;
}

const void *rt_heap_seal(struct rt_heap_root root)
{
	if (image.heap.outgrown)
		return NULL;
	/* Anonymous memory is cheaper to touch than file pages, so neither the rest of the section nor the
	 * gaps left by the build are used. */
	rt_heap_arranges = false;
	image.heap.end = image.heap.at;
	memset(image.heap.free, 0, sizeof(image.heap.free));
	image.root = root;
	image.sealed = true;
	return image.bytes;
}
