/* The program decoder: for any bytes, every decoded field is readable, and everything is checked before the
 * first op runs. */
#include "fuzz.h"

#include <string.h>

#include "../../../native/generated/ops.h"

static volatile uint8_t sink;

static void touch(const void *data, size_t length)
{
	for (size_t i = 0; i < length; i++)
		sink = ((const uint8_t *)data)[i];
}

static bool read_str(struct rt_reader *reader, struct rt_str *value)
{
	if (!rt_read_str(reader, value))
		return false;
	require(strlen(value->data) == value->length);
	return true;
}

static bool read_bytes(struct rt_reader *reader, struct rt_bytes *value)
{
	if (!rt_read_bytes(reader, value))
		return false;
	touch(value->data, value->length);
	return true;
}

static bool read_strs(struct rt_reader *reader, struct rt_strs *value)
{
	if (!rt_read_strs(reader, value))
		return false;
	for (struct rt_strs list = *value; list.count > 0;)
		touch(rt_next_str(&list), 1);
	return true;
}

static bool read_u32s(struct rt_reader *reader, struct rt_u32s *value)
{
	if (!rt_read_u32s(reader, value))
		return false;
	for (uint32_t i = 0; i < value->count; i++)
		sink = (uint8_t)rt_u32_at(value, i);
	return true;
}

/* The op decoder, with readers that touch all data. */
#define rt_read_str read_str
#define rt_read_bytes read_bytes
#define rt_read_strs read_strs
#define rt_read_u32s read_u32s
#include "../../../native/generated/ops.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	sink = rt_is_traced(data, size);
	for (int host_only = 0; host_only < 2; host_only++) {
		struct rt_program program;
		if (!rt_check_program(data, size, host_only, &program))
			continue;
		struct rt_op op;
		for (uint32_t i = 0; i < program.count; i++) {
			rt_next_op(&program.reader, &op);
			require(!host_only || rt_op_is_host(op.code));
		}
		require(program.reader.at == data + size);
	}
	return 0;
}
