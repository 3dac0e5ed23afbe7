/* Starting the engine, which happens at build time. */
#ifndef RT_ENGINE_H
#define RT_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "quickjs.h"

/* Byte code of a program. */
struct rt_code {
	const uint8_t *bytes; /* NULL: there is none */
	size_t length;
};

/* Of the program in the file `path`, by an engine of its own: the parser's leavings stay out of the arena. There is none
 * after it has printed what went wrong. */
struct rt_code rt_engine_compile(const char *path);

/* Sets up a context in the arena with the native functions and evaluates the program. Returns NULL when there is none, or
 * after printing what went wrong. */
JSContext *rt_engine_start(struct rt_code code);

/* Evaluates a further program in it. False after printing what went wrong. */
bool rt_engine_run(JSContext *context, const char *path);

/* Prints the pending exception and its stack to standard error. */
void rt_engine_print_exception(JSContext *context);

#endif
