/* The table of native functions, built from functions.def. */
#include "functions.h"

#define FN(name, arguments, result) rt_function rt_fn_##name;
#include "functions.def"
#undef FN

#define FN(name, arguments, result) \
	_Static_assert(sizeof(arguments) - 1 <= RT_MAX_ARGS, #name " has more than RT_MAX_ARGS arguments");
#include "functions.def"
#undef FN

const struct rt_function_entry rt_functions[] = {
#define FN(name, arguments, result) {#name, arguments, result, rt_fn_##name},
#include "functions.def"
#undef FN
};

const size_t rt_function_count = sizeof(rt_functions) / sizeof(rt_functions[0]);
