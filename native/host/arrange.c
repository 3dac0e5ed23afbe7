#include "arrange.h"
#include "arena.h"

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	BLOCKS = 1 << 18, /* maximum allocated during the engine's start */
	SCATTERED_PAGES = 1 << 18,
	WRITTEN_MAX = 2048 /* bytes; larger blocks are written only in part */
};

bool rt_heap_arranges;

/* Shared with the rehearsing process. */
static struct layout {
	size_t bytes[RT_HEAP_USES]; /* total of each use */
	unsigned char uses[BLOCKS]; /* enum rt_heap_use */
} * layout;

static size_t allocated; /* blocks allocated so far */

static char *next[RT_HEAP_RARE], *limit[RT_HEAP_RARE];

static struct {
	char *start;
	size_t count;   /* pages allocated */
	size_t watched; /* pages allocated before the commands ran */
	struct page {
		uint32_t block; /* the block that this page belongs to */
		uint32_t size;  /* size of that block */
		bool readable;  /* while watched */
	} pages[SCATTERED_PAGES];
} * scattered;

bool rt_heap_learn(void)
{
	void *shared = mmap(NULL, sizeof(*layout), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return false;
	layout = shared;
	memset(layout->uses, RT_HEAP_RARE, sizeof(layout->uses));
	rt_heap_arranges = true;
	return true;
}

char *rt_heap_areas(char *at, char *ends[RT_HEAP_RARE])
{
	for (enum rt_heap_use use = 0; use < RT_HEAP_RARE; use++) {
		next[use] = at;
		ends[use] = limit[use] = at += layout ? layout->bytes[use] : 0;
	}
	return at;
}

bool rt_heap_scatter(void)
{
	char *start = rt_heap_map((size_t)SCATTERED_PAGES * RT_PAGE, MAP_NORESERVE);
	void *pages = rt_heap_map(sizeof(*scattered), MAP_NORESERVE);
	if (!start || !pages)
		return false;
	scattered = pages;
	scattered->start = start;
	return true;
}

static void *scatter(uint32_t block, size_t size)
{
	size_t needed = (RT_BLOCK_HEADER + size + RT_PAGE - 1) / RT_PAGE;
	if (SCATTERED_PAGES - scattered->count < needed)
		return NULL;
	char *start = scattered->start + scattered->count * RT_PAGE;
	for (; needed > 0; needed--)
		scattered->pages[scattered->count++] = (struct page){.block = block, .size = (uint32_t)size};
	return start + RT_BLOCK_HEADER;
}

void *rt_heap_arrange(size_t size)
{
	if (allocated == BLOCKS)
		return NULL;
	uint32_t block = (uint32_t)allocated++;
	if (scattered)
		return scatter(block, size);
	enum rt_heap_use use = layout->uses[block];
	if (use == RT_HEAP_RARE)
		return NULL;
	/* This start allocates blocks that differ from the rehearsal's: some would overlap in the image. */
	if ((size_t)(limit[use] - next[use]) < size) {
		fputs("rt: the blocks of the heap differ from those of the rehearsal\n", stderr);
		abort();
	}
	char *start = next[use];
	next[use] += size;
	return start;
}

static enum rt_heap_use when_written, when_read;

/* The first access to a watched page makes it readable; the first write makes it writable. */
static void note_use(int signal, siginfo_t *info, void *context)
{
	(void)context;
	size_t index = (size_t)((char *)info->si_addr - scattered->start) / RT_PAGE;
	if (index >= scattered->watched)
		_exit(128 + signal);
	struct page *page = &scattered->pages[index];
	bool writes = page->readable;
	page->readable = true;
	if (mprotect(scattered->start + index * RT_PAGE, RT_PAGE,
		    writes ? PROT_READ | PROT_WRITE : PROT_READ) != 0)
		_exit(128 + signal);
	enum rt_heap_use before = layout->uses[page->block], use = writes ? when_written : when_read;
	if ((writes && page->size > WRITTEN_MAX) || before <= use)
		return;
	layout->uses[page->block] = (unsigned char)use;
	layout->bytes[before] -= page->size;
	layout->bytes[use] += page->size;
}

bool rt_heap_watch(enum rt_heap_use use)
{
	when_written = use;
	when_read = use == RT_HEAP_START ? RT_HEAP_START_READ : RT_HEAP_PLAN_READ;
	if (scattered->watched == 0)
		scattered->watched = scattered->count;
	for (size_t page = 0; page < scattered->watched; page++)
		scattered->pages[page].readable = false;
	const struct sigaction action = {.sa_sigaction = note_use, .sa_flags = SA_SIGINFO};
	return sigaction(SIGSEGV, &action, NULL) == 0 &&
	       mprotect(scattered->start, scattered->watched * RT_PAGE, PROT_NONE) == 0;
}
