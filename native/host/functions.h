/* The native functions that both hosts offer to TypeScript, independent of either engine.
 *
 * functions.def lists them: FN(name, "argument kinds", 'result kind'). The bindings (addon.cc for Node,
 * quickjs.c for the rt binary) are driven by that list, so a new function needs one line there, its C code here,
 * and its type in src/host/native.ts.
 */
#ifndef RT_FUNCTIONS_H
#define RT_FUNCTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { RT_MAX_ARGS = 9, RT_MAX_NUMBERS = 8 };

/* One argument. Kinds: 'i' 32-bit integer (number), 's' string without an embedded NUL, 'b' bytes (ArrayBuffer), 'a'
 * array of strings, 'p' array of numbers, strings and ArrayBuffers, packed (pack.h). The binding owns all memory until
 * the function returns. Nothing is coerced: a wrong type or number of arguments is a TypeError. */
struct rt_value {
	int64_t integer;
	const char *data;        /* 's': NUL-terminated; 'b' and 'p': start of the bytes */
	size_t length;           /* of data, without the terminator */
	const char *const *list; /* 'a': NULL-terminated */
	size_t count;
};

/* True for a signed or unsigned 32-bit integer: functions take an int or a uint32_t. */
static inline bool rt_is_integer(double number)
{
	return number >= INT32_MIN && number <= UINT32_MAX && number == (double)(int64_t)number;
}

/* The valid items of a 'p', for error messages. */
#define RT_PACKABLE "an array of integers, strings and ArrayBuffers"

/* A result other than an integer. Kinds: 'i' the return value itself, 's' and 'b' from `data` (allocated by
 * the function, freed by the binding), 'l' the array `numbers`, followed by the text in `data` if any. */
struct rt_result {
	char *data;
	size_t length;
	int64_t numbers[RT_MAX_NUMBERS];
	size_t count;
};

/* Returns a negative errno on failure, which TypeScript gets instead of the result. */
typedef int64_t rt_function(const struct rt_value *args, struct rt_result *result);

struct rt_function_entry {
	const char *name;
	const char *arguments;
	char result;
	rt_function *call;
};

extern const struct rt_function_entry rt_functions[];
extern const size_t rt_function_count;

#ifdef __cplusplus
}
#endif

#endif
