/* The native functions in QuickJS for a test to ask (src/host/quickjs.fixture.ts): each line of standard input is an
 * expression, whose value is written to standard output as a line. Nothing of it is in the rt binary. */
#include "../host/binding.h"

#include <stdio.h>
#include <stdlib.h>

static JSContext *start(void)
{
	JSContext *context = JS_NewContext(JS_NewRuntime());
	JSValue global = JS_GetGlobalObject(context);
	JS_SetPropertyStr(context, global, "native", rt_native_object(context));
	JS_FreeValue(context, global);
	return context;
}

int main(void)
{
	JSContext *context = start();
	char *line = NULL;
	size_t room = 0;
	ssize_t length;
	while ((length = getline(&line, &room, stdin)) > 0) {
		JSValue value = JS_Eval(context, line, (size_t)length, "line", JS_EVAL_TYPE_GLOBAL);
		if (JS_IsException(value))
			value = JS_GetException(context);
		const char *text = JS_ToCString(context, value);
		if (!text || puts(text) < 0 || fflush(stdout) != 0)
			return 1;
		JS_FreeCString(context, text);
		JS_FreeValue(context, value);
	}
	return 0;
}
