/* Marshals between QuickJS and the table of native functions. Its Node counterpart is addon.cc: same kinds,
 * same errors for a bad argument (TypeError for a wrong type, -EINVAL for a NUL in a string). */
#include "binding.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "functions.h"
#include "pack.h"

struct call {
	JSContext *context;
	const struct rt_function_entry *entry;
	struct rt_value values[RT_MAX_ARGS];
	size_t count;
	int error; /* negative errno if an argument is invalid, else 0 */
};

/* `call->count` is the argument's number, from 1. */
static bool refuse(const struct call *call, const char *wanted)
{
	JS_ThrowTypeError(
		call->context, "%s wants %s as argument %d", call->entry->name, wanted, (int)call->count);
	return false;
}

static bool has_nul(const char *text, size_t length)
{
	return memchr(text, '\0', length) != NULL;
}

static bool read_integer(const struct call *call, JSValueConst from, struct rt_value *value)
{
	double number;
	if (!JS_IsNumber(from) || JS_ToFloat64(call->context, &number, from) < 0 || !rt_is_integer(number))
		return refuse(call, "an integer");
	value->integer = (int64_t)number;
	return true;
}

static bool read_string(struct call *call, JSValueConst from, struct rt_value *value)
{
	if (!JS_IsString(from))
		return refuse(call, "a string");
	value->data = JS_ToCStringLen(call->context, &value->length, from);
	if (!value->data)
		return false;
	if (has_nul(value->data, value->length))
		call->error = -EINVAL;
	return true;
}

/* NULL if the value is not an ArrayBuffer; may also be NULL for an empty one. */
static const char *buffer_of(JSContext *context, JSValueConst from, size_t *length, bool *is_buffer)
{
	const uint8_t *bytes = JS_GetArrayBuffer(context, length, from);
	*is_buffer = !JS_HasException(context);
	if (!*is_buffer)
		JS_FreeValue(context, JS_GetException(context));
	return (const char *)bytes;
}

static bool read_bytes(const struct call *call, JSValueConst from, struct rt_value *value)
{
	bool is_buffer;
	value->data = buffer_of(call->context, from, &value->length, &is_buffer);
	return is_buffer || refuse(call, "an ArrayBuffer");
}

static bool read_count(JSContext *context, JSValueConst list, uint32_t *count)
{
	JSValue length = JS_GetPropertyStr(context, list, "length");
	return JS_ToUint32(context, count, length) == 0;
}

static bool read_list(struct call *call, JSValueConst from, struct rt_value *value)
{
	JSContext *context = call->context;
	uint32_t count;
	if (!JS_IsArray(context, from))
		return refuse(call, "an array of strings");
	if (!read_count(context, from, &count))
		return false;
	const char **list = calloc((size_t)count + 1, sizeof(*list));
	if (!list) {
		JS_ThrowOutOfMemory(context);
		return false;
	}
	value->list = list;
	for (uint32_t index = 0; index < count; index++) {
		JSValue item = JS_GetPropertyUint32(context, from, index);
		bool is_string = JS_IsString(item);
		size_t length;
		list[index] = is_string ? JS_ToCStringLen(context, &length, item) : NULL;
		JS_FreeValue(context, item);
		if (!is_string)
			return refuse(call, "an array of strings");
		if (!list[index])
			return false;
		value->count++;
		if (has_nul(list[index], length))
			call->error = -EINVAL;
	}
	return true;
}

static bool pack_item(struct call *call, JSValueConst item, struct rt_pack *pack)
{
	JSContext *context = call->context;
	size_t length;
	bool packed;
	if (JS_IsNumber(item)) {
		double number;
		if (JS_ToFloat64(context, &number, item) < 0 || !rt_is_integer(number))
			return refuse(call, RT_PACKABLE);
		packed = rt_pack_u32(pack, (uint32_t)(int64_t)number);
	} else if (JS_IsString(item)) {
		const char *text = JS_ToCStringLen(context, &length, item);
		if (!text)
			return false;
		if (has_nul(text, length))
			call->error = -EINVAL;
		packed = rt_pack_string(pack, text, length);
		JS_FreeCString(context, text);
	} else {
		const char *bytes = buffer_of(context, item, &length, &packed);
		if (!packed)
			return refuse(call, RT_PACKABLE);
		packed = rt_pack_bytes(pack, bytes, length);
	}
	if (!packed)
		JS_ThrowOutOfMemory(context);
	return packed;
}

static bool read_packed(struct call *call, JSValueConst from, struct rt_value *value)
{
	JSContext *context = call->context;
	uint32_t count;
	if (!JS_IsArray(context, from))
		return refuse(call, "an array");
	if (!read_count(context, from, &count))
		return false;
	struct rt_pack pack = {0};
	bool right = true;
	for (uint32_t index = 0; right && index < count; index++) {
		JSValue item = JS_GetPropertyUint32(context, from, index);
		right = pack_item(call, item, &pack);
		JS_FreeValue(context, item);
	}
	value->data = pack.data;
	value->length = pack.length;
	return right;
}

static bool read_arguments(struct call *call, int count, JSValueConst *from)
{
	const char *kinds = call->entry->arguments;
	if ((size_t)count != strlen(kinds)) {
		JS_ThrowTypeError(
			call->context, "%s wants %d arguments", call->entry->name, (int)strlen(kinds));
		return false;
	}
	for (size_t index = 0; kinds[index]; index++) {
		struct rt_value *value = &call->values[index];
		bool right = false;
		call->count = index + 1;
		switch (kinds[index]) {
		case 'i':
			right = read_integer(call, from[index], value);
			break;
		case 's':
			right = read_string(call, from[index], value);
			break;
		case 'b':
			right = read_bytes(call, from[index], value);
			break;
		case 'a':
			right = read_list(call, from[index], value);
			break;
		case 'p':
			right = read_packed(call, from[index], value);
			break;
		}
		if (!right)
			return false;
	}
	return true;
}

static void free_arguments(struct call *call)
{
	const char *kinds = call->entry->arguments;
	for (size_t index = 0; index < call->count; index++) {
		struct rt_value *value = &call->values[index];
		if (kinds[index] == 's' && value->data)
			JS_FreeCString(call->context, value->data);
		if (kinds[index] == 'p')
			free((void *)value->data);
		for (size_t item = 0; item < value->count; item++)
			JS_FreeCString(call->context, value->list[item]);
		free((void *)value->list);
	}
}

static JSValue make_result(JSContext *context, char kind, int64_t returned, const struct rt_result *result)
{
	if (returned < 0 || kind == 'i')
		return JS_NewInt64(context, returned);
	if (kind == 's')
		return JS_NewStringLen(context, result->data, result->length);
	if (kind == 'b')
		return JS_NewArrayBufferCopy(context, (const uint8_t *)result->data, result->length);
	JSValue list = JS_NewArray(context);
	size_t count = result->count + (result->data != NULL);
	for (size_t index = 0; index < count && !JS_IsException(list); index++) {
		JSValue item = index < result->count ? JS_NewInt64(context, result->numbers[index])
						     : JS_NewStringLen(context, result->data, result->length);
		if (JS_SetPropertyUint32(context, list, (uint32_t)index, item) < 0) {
			JS_FreeValue(context, list);
			list = JS_EXCEPTION;
		}
	}
	return list;
}

static JSValue call_native(JSContext *context, JSValueConst this, int count, JSValueConst *from, int magic)
{
	(void)this;
	const struct rt_function_entry *entry = &rt_functions[magic];
	struct call call = {.context = context, .entry = entry};
	JSValue value = JS_EXCEPTION;
	/* The engine ignores some failed allocations, but leaves their exception: it is thrown here at the latest. */
	if (!JS_HasException(context) && read_arguments(&call, count, from)) {
		struct rt_result result = {0};
		int64_t returned = call.error ? call.error : entry->call(call.values, &result);
		value = make_result(context, entry->result, returned, &result);
		free(result.data);
	}
	free_arguments(&call);
	return value;
}

JSValue rt_native_object(JSContext *context)
{
	JSValue object = JS_NewObject(context);
	for (size_t index = 0; index < rt_function_count; index++) {
		const struct rt_function_entry *entry = &rt_functions[index];
		JSValue function = JS_NewCFunctionMagic(context, call_native, entry->name,
			(int)strlen(entry->arguments), JS_CFUNC_generic_magic, (int)index);
		JS_DefinePropertyValueStr(context, object, entry->name, function, JS_PROP_C_W_E);
	}
	return object;
}
