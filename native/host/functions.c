/* The table of native functions, built from functions.def. */
#include "functions.h"

#define FN(name, arguments, result) rt_function rt_fn_##name;
#include "functions.def"
#undef FN

const struct rt_function_entry rt_functions[] = {
#define FN(name, arguments, result) {#name, arguments, result, rt_fn_##name},
#include "functions.def"
#undef FN
};

const size_t rt_function_count = sizeof(rt_functions) / sizeof(rt_functions[0]);
