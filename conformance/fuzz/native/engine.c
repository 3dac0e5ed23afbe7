/* The engine's JSON, and the bindings' conversion of values: each parsed text is serialized, parsed again,
 * and passed to native functions of every kind. */
#include "fuzz.h"

#include <string.h>

#include "../../../native/host/binding.h"
#include "../../../native/host/functions.h"

static volatile char sink;

static void touch(const void *data, size_t length)
{
	for (size_t i = 0; i < length; i++)
		sink = ((const char *)data)[i];
}

static int64_t give(struct rt_result *result, const void *data, size_t length)
{
	result->data = malloc(length + 1);
	if (length > 0)
		memcpy(result->data, data, length);
	result->length = length;
	return 0;
}

static int64_t take_text(const struct rt_value *args, struct rt_result *result)
{
	require(strlen(args[0].data) == args[0].length);
	return give(result, args[0].data, args[0].length);
}

static int64_t take_packed(const struct rt_value *args, struct rt_result *result)
{
	touch(args[0].data, args[0].length);
	return give(result, args[0].data, args[0].length);
}

static int64_t take_list(const struct rt_value *args, struct rt_result *result)
{
	for (size_t i = 0; i < args[0].count; i++)
		touch(args[0].list[i], strlen(args[0].list[i]) + 1);
	require(args[0].list[args[0].count] == NULL);
	result->numbers[0] = (int64_t)args[0].count;
	result->count = 1;
	return 0;
}

static int64_t take_integer(const struct rt_value *args, struct rt_result *result)
{
	(void)result;
	return args[0].integer;
}

const struct rt_function_entry rt_functions[] = {
	{"text", "s", 's', take_text},
	{"bytes", "b", 'b', take_packed},
	{"packed", "p", 'b', take_packed},
	{"list", "a", 'l', take_list},
	{"integer", "i", 'i', take_integer},
};
const size_t rt_function_count = sizeof(rt_functions) / sizeof(rt_functions[0]);

static void forget_exception(JSContext *context)
{
	JS_FreeValue(context, JS_GetException(context));
}

static void call_all(JSContext *context, JSValue native, JSValue value, int depth)
{
	for (size_t i = 0; i < rt_function_count; i++) {
		JSValue function = JS_GetPropertyStr(context, native, rt_functions[i].name);
		JSValue result = JS_Call(context, function, native, 1, &value);
		JS_FreeValue(context, function);
		if (JS_IsException(result))
			forget_exception(context);
		else if (depth > 0 && JS_IsObject(result))
			call_all(context, native, result, depth - 1);
		JS_FreeValue(context, result);
	}
}

static void write_and_parse(JSContext *context, JSValue value)
{
	JSValue text = JS_JSONStringify(context, value, JS_UNDEFINED, JS_UNDEFINED);
	size_t length;
	const char *words = JS_IsException(text) ? NULL : JS_ToCStringLen(context, &length, text);
	if (words) {
		JSValue again = JS_ParseJSON(context, words, length, "again");
		JSValue second = JS_JSONStringify(context, again, JS_UNDEFINED, JS_UNDEFINED);
		const char *others = JS_ToCString(context, second);
		require(others && strcmp(words, others) == 0);
		JS_FreeCString(context, others);
		JS_FreeValue(context, second);
		JS_FreeValue(context, again);
	}
	JS_FreeCString(context, words);
	JS_FreeValue(context, text);
}

static JSContext *start(void)
{
	JSContext *context = JS_NewContextRaw(JS_NewRuntime());
	JS_AddIntrinsicBaseObjects(context);
	JS_AddIntrinsicJSON(context);
	JS_AddIntrinsicTypedArrays(context);
	return context;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static JSContext *context;
	static JSValue native;
	if (!context) {
		context = start();
		native = rt_native_object(context);
	}
	char *text = malloc(size + 1);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	JSValue whole = JS_NewStringLen(context, text, size);
	call_all(context, native, whole, 0);
	JS_FreeValue(context, whole);
	JSValue value = JS_ParseJSON(context, text, size, "input");
	if (JS_IsException(value)) {
		forget_exception(context);
	} else {
		write_and_parse(context, value);
		call_all(context, native, value, 1);
	}
	JS_FreeValue(context, value);
	free(text);
	return 0;
}
