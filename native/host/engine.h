/* Starts the engine at build time. */
#ifndef RT_ENGINE_H
#define RT_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "quickjs.h"

/* A program's byte code. */
struct rt_code {
	const uint8_t *bytes; /* NULL if there is none */
	size_t length;
};

/* Compiles the program in the file `path` in a separate engine, which keeps the parser's garbage out of the
 * arena. `bytes` is NULL after an error has been printed. */
struct rt_code rt_engine_compile(const char *path);

/* Sets up a context in the arena with the native functions and evaluates the program. NULL if `code` is
 * empty, or after an error has been printed. */
JSContext *rt_engine_start(struct rt_code code);

/* Evaluates another program in the context. False after an error has been printed. */
bool rt_engine_run(JSContext *context, const char *path);

/* Prints the pending exception and its stack to standard error. */
void rt_engine_print_exception(JSContext *context);

#endif
