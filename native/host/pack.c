#include "pack.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 16 * 1024 };

bool rt_pack_bytes(struct rt_pack *pack, const void *data, size_t length)
{
	if (pack->room - pack->length < length) {
		size_t room = pack->room == 0 ? FIRST_ROOM : pack->room * 2;
		if (room - pack->length < length)
			room = pack->length + length;
		char *grown = realloc(pack->data, room);
		if (!grown)
			return false;
		pack->data = grown;
		pack->room = room;
	}
	if (length > 0)
		memcpy(pack->data + pack->length, data, length);
	pack->length += length;
	return true;
}

bool rt_pack_u32(struct rt_pack *pack, uint32_t value)
{
	return rt_pack_bytes(pack, &value, sizeof(value));
}

bool rt_pack_string(struct rt_pack *pack, const char *text, size_t length)
{
	return length <= UINT32_MAX && rt_pack_u32(pack, (uint32_t)length) &&
	       rt_pack_bytes(pack, text, length) && rt_pack_bytes(pack, "", 1);
}
