/* Starting the engine, which happens at build time. */
#ifndef RT_ENGINE_H
#define RT_ENGINE_H

#include <stdbool.h>

#include "quickjs.h"

/* Sets up a context in the arena with the native functions and evaluates the program in the file `path`.
 * Returns NULL after printing what went wrong. */
JSContext *rt_engine_start(const char *path);

/* Evaluates a further program in it. False after printing what went wrong. */
bool rt_engine_run(JSContext *context, const char *path);

/* Prints the pending exception and its stack to standard error. */
void rt_engine_print_exception(JSContext *context);

#endif
