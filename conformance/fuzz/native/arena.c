/* The allocator of the engine and the C library: blocks keep their contents, are aligned and do not overlap.
 * Also the placement in the image: a block that does not fit ends the build. */
#include "fuzz.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

/* Before the names below are redefined as the arena's. */
#include <malloc.h>

static jmp_buf refused;

static _Noreturn void refuse(void)
{
	longjmp(refused, 1);
}

#define malloc arena_malloc
#define calloc arena_calloc
#define realloc arena_realloc
#define free arena_free
#define malloc_usable_size arena_usable_size
void *arena_malloc(size_t size);
void *arena_calloc(size_t count, size_t size);
void *arena_realloc(void *pointer, size_t size);
void arena_free(void *pointer);
size_t arena_usable_size(void *pointer);
#include "../../../native/host/arena.c"
#define abort refuse
/* As large as the arena's own with one page and a header. */
#define PAGE_SIZE ARRANGE_PAGE_SIZE
#define HEADER ARRANGE_HEADER
#include "../../../native/host/arrange.c"
#undef abort
#undef PAGE_SIZE
#undef HEADER
#undef malloc
#undef calloc
#undef realloc
#undef free

enum { SLOTS = 32, LARGEST = 300 * 1024 };

struct held {
	unsigned char *data;
	size_t size;
	unsigned char mark;
};

static void check(const struct held *held, size_t size)
{
	for (size_t i = 0; i < size; i++)
		require(held->data[i] == held->mark);
}

static void fill(struct held *held, void *data, size_t size, unsigned char mark)
{
	*held = (struct held){data, size, mark};
	require(data != NULL && (uintptr_t)data % 16 == 0 && usable(data) >= size);
	memset(data, mark, size);
}

struct input {
	const uint8_t *at, *end;
};

static uint8_t take_byte(struct input *input)
{
	return input->at < input->end ? *input->at++ : 0;
}

static size_t take_size(struct input *input)
{
	size_t size = take_byte(input) | (size_t)take_byte(input) << 8;
	return size < 0xf000 ? size & 0xfff : (size * 64) % LARGEST;
}

static void use_memory(struct input *input, int of_engine)
{
	struct held held[SLOTS] = {0};
	while (input->at < input->end) {
		uint8_t what = take_byte(input);
		struct held *slot = &held[what % SLOTS];
		size_t size = take_size(input);
		uint8_t mark = take_byte(input);
		if (slot->data)
			check(slot, slot->size);
		switch (what / SLOTS) {
		case 0:
			require(arena_malloc(SIZE_MAX - size) == NULL &&
				arena_calloc(SIZE_MAX / 8, 9 + size) == NULL);
			break;
		case 1:
		case 2: {
			size_t kept = slot->size < size ? slot->size : size;
			if (of_engine && size == 0)
				size = 1;
			void *data = of_engine ? engine_realloc(NULL, slot->data, size)
					       : arena_realloc(slot->data, size);
			slot->data = data;
			check(slot, kept < size ? kept : size);
			fill(slot, data, size, mark);
			break;
		}
		case 3: {
			if (slot->data)
				break;
			unsigned char *zeroed = arena_calloc(size, 1);
			for (size_t i = 0; !of_engine && i < size; i++)
				require(zeroed[i] == 0);
			arena_free(zeroed);
			break;
		}
		default:
			if (slot->data) {
				of_engine ? engine_free(NULL, slot->data) : arena_free(slot->data);
				*slot = (struct held){0};
			} else {
				fill(slot, of_engine ? engine_malloc(NULL, size) : arena_malloc(size), size,
					mark);
			}
		}
	}
	for (size_t i = 0; i < SLOTS; i++) {
		if (held[i].data)
			check(&held[i], held[i].size);
		of_engine ? engine_free(NULL, held[i].data) : arena_free(held[i].data);
	}
}

/* Learns block sizes in order, then allocates blocks that may differ. */
static void arrange(struct input *input)
{
	static char memory[64 * 1024];
	static char *volatile end;
	char *ends[RT_HEAP_RARE];
	if (!layout)
		require(rt_heap_learn());
	rt_heap_arranges = false; /* off for the other part of this target */
	allocated = 0;
	memset(layout->bytes, 0, sizeof(layout->bytes));
	memset(memory, 0, sizeof(memory));
	uint8_t count = take_byte(input) % 64;
	for (uint8_t i = 0; i < count; i++) {
		layout->uses[i] = take_byte(input) % RT_HEAP_USES;
		layout->bytes[layout->uses[i]] += (size_t)(take_byte(input) % 32) * 16;
	}
	for (unsigned int i = count; i < 256; i++)
		layout->uses[i] = RT_HEAP_RARE;
	end = rt_heap_areas(memory, ends);
	if (setjmp(refused) != 0)
		return;
	while (input->at < input->end && allocated < 256) {
		size_t size = (size_t)(take_byte(input) % 32) * 16;
		char *block = rt_heap_arrange(size);
		if (!block)
			continue;
		require(block >= memory && block + size <= end);
		for (size_t i = 0; i < size; i++) {
			require(block[i] == 0);
			block[i] = 1;
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, data + size};
	switch (take_byte(&input) % 3) {
	case 0:
		arrange(&input);
		break;
	case 1:
		use_memory(&input, 0);
		break;
	default:
		if (!image.heap.at)
			image.heap = (struct heap){.at = image.memory + 8, .end = image.bytes + RT_HEAP_SIZE};
		use_memory(&input, 1);
	}
	return 0;
}
