#include "engine.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "arena.h"
#include "binding.h"

static char *read_source(const char *path, size_t *length)
{
	FILE *file = fopen(path, "rbe");
	if (!file)
		return NULL;
	char *source = NULL;
	size_t capacity = 0;
	ssize_t got = getdelim(&source, &capacity, '\0', file);
	fclose(file);
	*length = got < 0 ? 0 : (size_t)got;
	return source;
}

struct rt_code rt_engine_compile(const char *path)
{
	struct rt_code code = {0};
	size_t length;
	char *source = read_source(path, &length);
	if (!source) {
		perror(path);
		return code;
	}
	JSContext *context = JS_NewContext(JS_NewRuntime());
	/* The tables of lines would be a sixth of the heap image; a trace of an internal error has the functions. */
	JS_SetStripInfo(JS_GetRuntime(context), JS_STRIP_DEBUG);
	JSValue compiled =
		JS_Eval(context, source, length, "rt.js", JS_EVAL_TYPE_GLOBAL | JS_EVAL_FLAG_COMPILE_ONLY);
	free(source);
	if (JS_IsException(compiled))
		rt_engine_print_exception(context);
	else
		code.bytes = JS_WriteObject(context, &code.length, compiled, JS_WRITE_OBJ_BYTECODE);
	return code;
}

/* QuickJS calls it only to seed Math.random, which the program does not use, and the heap image must not depend on the
 * clock. Without Date (below), it has no other caller. */
int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	(void)zone;
	*now = (struct timeval){0};
	return 0;
}

/* Only the intrinsics that the program uses. No eval, no Function constructor: bytes of a config never become code. */
static JSContext *new_context(void)
{
	rt_heap_begin();
	JSRuntime *runtime = JS_NewRuntime2(&rt_arena_functions, NULL);
	JSContext *context = runtime ? JS_NewContextRaw(runtime) : NULL;
	if (!context)
		return NULL;
	/* The process exits before cycles matter. */
	JS_SetGCThreshold(runtime, (size_t)-1);
	JS_AddIntrinsicBaseObjects(context);
	JS_AddIntrinsicRegExp(context);
	JS_AddIntrinsicJSON(context);
	JS_AddIntrinsicMapSet(context);
	JS_AddIntrinsicTypedArrays(context);
	JSValue global = JS_GetGlobalObject(context);
	JS_SetPropertyStr(context, global, "native", rt_native_object(context));
	JS_FreeValue(context, global);
	return context;
}

void rt_engine_print_exception(JSContext *context)
{
	JSValue exception = JS_GetException(context);
	JSValue stack = JS_GetPropertyStr(context, exception, "stack");
	const char *words = JS_ToCString(context, exception);
	const char *trace = JS_IsString(stack) ? JS_ToCString(context, stack) : NULL;
	fprintf(stderr, "rt: internal error: %s\n%s", words ? words : "unknown", trace ? trace : "");
}

static bool evaluate(JSContext *context, struct rt_code code)
{
	JSValue program = JS_ReadObject(context, code.bytes, code.length, JS_READ_OBJ_BYTECODE);
	JSValue value = JS_IsException(program) ? program : JS_EvalFunction(context, program);
	if (JS_IsException(value)) {
		rt_engine_print_exception(context);
		return false;
	}
	JS_FreeValue(context, value);
	return true;
}

JSContext *rt_engine_start(struct rt_code code)
{
	if (!code.bytes)
		return NULL;
	JSContext *context = new_context();
	if (!context) {
		fputs("rt: cannot start the engine: out of memory\n", stderr);
		return NULL;
	}
	if (!evaluate(context, code))
		return NULL;
	JS_RunGC(JS_GetRuntime(context));
	return context;
}

bool rt_engine_run(JSContext *context, const char *path)
{
	struct rt_code code = rt_engine_compile(path);
	return code.bytes && evaluate(context, code);
}
