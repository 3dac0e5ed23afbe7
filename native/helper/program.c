#include "program.h"

#include "../generated/ops.h"

static const char magic[4] = {'R', 'T', 'P', 'G'};

static uint32_t load_u32(const uint8_t *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static size_t left(const struct rt_reader *reader)
{
	return (size_t)(reader->end - reader->at);
}

bool rt_read_u32(struct rt_reader *reader, uint32_t *value)
{
	if (left(reader) < 4)
		return false;
	*value = load_u32(reader->at);
	reader->at += 4;
	return true;
}

bool rt_read_i32(struct rt_reader *reader, int32_t *value)
{
	uint32_t raw;
	if (!rt_read_u32(reader, &raw))
		return false;
	*value = (int32_t)raw;
	return true;
}

bool rt_read_u64(struct rt_reader *reader, uint64_t *value)
{
	uint32_t low, high;
	if (!rt_read_u32(reader, &low) || !rt_read_u32(reader, &high))
		return false;
	*value = (uint64_t)high << 32 | low;
	return true;
}

bool rt_read_bytes(struct rt_reader *reader, struct rt_bytes *value)
{
	if (!rt_read_u32(reader, &value->length) || left(reader) < value->length)
		return false;
	value->data = reader->at;
	reader->at += value->length;
	return true;
}

bool rt_read_str(struct rt_reader *reader, struct rt_str *value)
{
	if (!rt_read_u32(reader, &value->length) || left(reader) <= value->length)
		return false;
	value->data = (const char *)reader->at;
	for (uint32_t i = 0; i < value->length; i++)
		if (value->data[i] == '\0')
			return false;
	if (value->data[value->length] != '\0')
		return false;
	reader->at += value->length + 1;
	return true;
}

bool rt_read_strs(struct rt_reader *reader, struct rt_strs *value)
{
	struct rt_str item;
	if (!rt_read_u32(reader, &value->count))
		return false;
	value->data = reader->at;
	for (uint32_t i = 0; i < value->count; i++)
		if (!rt_read_str(reader, &item))
			return false;
	return true;
}

bool rt_read_u32s(struct rt_reader *reader, struct rt_u32s *value)
{
	if (!rt_read_u32(reader, &value->count) || left(reader) / 4 < value->count)
		return false;
	value->data = reader->at;
	reader->at += (size_t)value->count * 4;
	return true;
}

const char *rt_next_str(struct rt_strs *list)
{
	const char *item = (const char *)list->data + 4;
	list->data += 4 + (size_t)load_u32(list->data) + 1;
	list->count--;
	return item;
}

uint32_t rt_u32_at(const struct rt_u32s *list, uint32_t index)
{
	return load_u32(list->data + (size_t)index * 4);
}

static bool check_op(struct rt_reader *reader, bool host_only)
{
	struct rt_op op;
	uint32_t code;
	return rt_read_u32(reader, &code) && rt_decode_op(reader, code, &op) &&
	       (!host_only || rt_op_is_host(op.code));
}

bool rt_check_program(const uint8_t *data, size_t size, bool host_only, struct rt_program *program)
{
	struct rt_reader all = {data, data + size};
	uint32_t version;
	if (size < sizeof(magic))
		return false;
	for (size_t i = 0; i < sizeof(magic); i++)
		if (data[i] != (uint8_t)magic[i])
			return false;
	all.at += sizeof(magic);
	if (!rt_read_u32(&all, &version) || version != RT_PROGRAM_VERSION)
		return false;
	if (!rt_read_u32(&all, &program->trace) || !rt_read_u32(&all, &program->count))
		return false;
	program->reader = all;
	for (uint32_t i = 0; i < program->count; i++)
		if (!check_op(&all, host_only))
			return false;
	return all.at == all.end;
}

bool rt_is_traced(const uint8_t *data, size_t size)
{
	enum { AT = sizeof(magic) + sizeof(uint32_t) };
	return size >= AT + sizeof(uint32_t) && load_u32(data + AT) != 0;
}

void rt_next_op(struct rt_reader *reader, struct rt_op *op)
{
	uint32_t code = load_u32(reader->at);
	reader->at += sizeof(code);
	(void)rt_decode_op(reader, code, op);
}
