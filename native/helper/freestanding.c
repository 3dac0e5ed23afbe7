/* What the compiler requires of a freestanding program: an entry point and four functions. */
#include "machine.h"

#include <stddef.h>

_Noreturn void rt_init_main(const long *stack);

__asm__(RT_START_ASSEMBLY);

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memset(void *at, int value, size_t size);
void *memmove(void *to, const void *from, size_t size);
int memcmp(const void *a, const void *b, size_t size);

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
	unsigned char *out = to;
	const unsigned char *in = from;
	while (size-- > 0)
		*out++ = *in++;
	return to;
}

void *memset(void *at, int value, size_t size)
{
	unsigned char *out = at;
	while (size-- > 0)
		*out++ = (unsigned char)value;
	return at;
}

void *memmove(void *to, const void *from, size_t size)
{
	unsigned char *out = to;
	const unsigned char *in = from;
	if (out <= in)
		return memcpy(to, from, size);
	while (size-- > 0)
		out[size] = in[size];
	return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
	const unsigned char *left = a, *right = b;
	for (; size > 0; size--, left++, right++)
		if (*left != *right)
			return *left - *right;
	return 0;
}
