/* What the compiler requires of a freestanding program: an entry point and four functions. */
#include <stddef.h>

_Noreturn void rt_init_main(const long *stack);

#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n\txor %ebp, %ebp\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall "
	"rt_init_main\n\tud2\n");
#elif defined(__aarch64__)
__asm__(".globl _start\n_start:\n\tmov x29, #0\n\tmov x30, #0\n\tmov x0, sp\n\tbl rt_init_main\n\tbrk #0\n");
#else
#error "rt knows x86_64 and aarch64"
#endif

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
