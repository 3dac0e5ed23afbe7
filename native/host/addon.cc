/* Marshals between Node and the table of native functions. Its QuickJS counterpart is quickjs.c: same kinds,
 * same errors for a bad argument (TypeError for a wrong type, -EINVAL for a NUL in a string). */
#include <napi.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "functions.h"
#include "pack.h"

namespace
{

/* Owns the arguments' memory until the call returns. */
struct Call {
	rt_value values[RT_MAX_ARGS] = {};
	std::string strings[RT_MAX_ARGS];
	std::vector<std::string> lists[RT_MAX_ARGS];
	std::vector<const char *> pointers[RT_MAX_ARGS];
	rt_pack packs[RT_MAX_ARGS] = {};
	int error = 0; /* negative errno if an argument is invalid, else 0 */

	Call() = default;
	Call(const Call &) = delete;
	Call &operator=(const Call &) = delete;

	~Call()
	{
		for (const rt_pack &pack : packs)
			std::free(pack.data);
	}

	void take_string(const std::string &text)
	{
		if (text.find('\0') != std::string::npos)
			error = -EINVAL;
	}

	/* As read. */
	const char *pack_item(const Napi::Value &item, rt_pack &pack);

	/* Returns a description of the expected type, or nullptr if the argument is valid. */
	const char *read(char kind, size_t index, const Napi::Value &from);
};

const char *Call::pack_item(const Napi::Value &item, rt_pack &pack)
{
	bool packed;
	if (item.IsNumber()) {
		double number = item.As<Napi::Number>().DoubleValue();
		if (!rt_is_integer(number))
			return RT_PACKABLE;
		packed = rt_pack_u32(&pack, static_cast<uint32_t>(static_cast<int64_t>(number)));
	} else if (item.IsString()) {
		std::string text = item.As<Napi::String>().Utf8Value();
		take_string(text);
		packed = rt_pack_string(&pack, text.data(), text.size());
	} else if (item.IsArrayBuffer()) {
		Napi::ArrayBuffer bytes = item.As<Napi::ArrayBuffer>();
		packed = rt_pack_bytes(&pack, bytes.Data(), bytes.ByteLength());
	} else {
		return RT_PACKABLE;
	}
	if (!packed)
		error = -ENOMEM;
	return nullptr;
}

const char *Call::read(char kind, size_t index, const Napi::Value &from)
{
	rt_value &value = values[index];
	switch (kind) {
	case 'i':
		if (!from.IsNumber() || !rt_is_integer(from.As<Napi::Number>().DoubleValue()))
			return "an integer";
		value.integer = from.As<Napi::Number>().Int64Value();
		return nullptr;
	case 's':
		if (!from.IsString())
			return "a string";
		strings[index] = from.As<Napi::String>().Utf8Value();
		take_string(strings[index]);
		value.data = strings[index].c_str();
		value.length = strings[index].size();
		return nullptr;
	case 'b': {
		if (!from.IsArrayBuffer())
			return "an ArrayBuffer";
		Napi::ArrayBuffer bytes = from.As<Napi::ArrayBuffer>();
		value.data = static_cast<const char *>(bytes.Data());
		value.length = bytes.ByteLength();
		return nullptr;
	}
	case 'a': {
		if (!from.IsArray())
			return "an array of strings";
		Napi::Array list = from.As<Napi::Array>();
		for (uint32_t item = 0; item < list.Length(); item++) {
			Napi::Value element = list.Get(item);
			if (!element.IsString())
				return "an array of strings";
			lists[index].push_back(element.As<Napi::String>().Utf8Value());
			take_string(lists[index].back());
		}
		for (const std::string &text : lists[index])
			pointers[index].push_back(text.c_str());
		value.count = pointers[index].size();
		pointers[index].push_back(nullptr);
		value.list = pointers[index].data();
		return nullptr;
	}
	case 'p': {
		if (!from.IsArray())
			return "an array";
		Napi::Array list = from.As<Napi::Array>();
		for (uint32_t item = 0; item < list.Length(); item++) {
			const char *wanted = pack_item(list.Get(item), packs[index]);
			if (wanted)
				return wanted;
		}
		value.data = packs[index].data;
		value.length = packs[index].length;
		return nullptr;
	}
	}
	return "nothing known";
}

Napi::Value make_result(Napi::Env env, char kind, int64_t returned, const rt_result &result)
{
	if (returned < 0 || kind == 'i')
		return Napi::Number::New(env, static_cast<double>(returned));
	if (kind == 's')
		return Napi::String::New(env, result.data, result.length);
	if (kind == 'b') {
		Napi::ArrayBuffer bytes = Napi::ArrayBuffer::New(env, result.length);
		if (result.length > 0)
			std::memcpy(bytes.Data(), result.data, result.length);
		return bytes;
	}
	Napi::Array list = Napi::Array::New(env, result.count);
	for (uint32_t index = 0; index < result.count; index++)
		list.Set(index, Napi::Number::New(env, static_cast<double>(result.numbers[index])));
	if (result.data)
		list.Set(list.Length(), Napi::String::New(env, result.data, result.length));
	return list;
}

Napi::Value call_native(const Napi::CallbackInfo &info)
{
	Napi::Env env = info.Env();
	const auto *entry = static_cast<const rt_function_entry *>(info.Data());
	Call call;
	size_t count = std::strlen(entry->arguments);
	std::string words;
	if (info.Length() != count)
		words = " wants " + std::to_string(count) + " arguments";
	for (size_t index = 0; words.empty() && index < count; index++) {
		const char *wanted = call.read(entry->arguments[index], index, info[index]);
		if (wanted)
			words = std::string(" wants ") + wanted + " as argument " + std::to_string(index + 1);
	}
	if (!words.empty()) {
		Napi::TypeError::New(env, entry->name + words).ThrowAsJavaScriptException();
		return env.Undefined();
	}
	rt_result result = {};
	int64_t returned = call.error ? call.error : entry->call(call.values, &result);
	Napi::Value value = make_result(env, entry->result, returned, result);
	std::free(result.data);
	return value;
}

Napi::Object init(Napi::Env env, Napi::Object exports)
{
	for (size_t index = 0; index < rt_function_count; index++) {
		const rt_function_entry *entry = &rt_functions[index];
		exports.Set(entry->name, Napi::Function::New(env, call_native, entry->name,
						 const_cast<rt_function_entry *>(entry)));
	}
	return exports;
}

} // namespace

NODE_API_MODULE(rt, init)
