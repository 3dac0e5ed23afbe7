/* Builds the bytes of an argument of kind 'p' from its list: a number is a little-endian u32, a string its
 * length (u32), its bytes and a NUL, an ArrayBuffer its bytes alone. */
#ifndef RT_PACK_H
#define RT_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rt_pack {
	char *data; /* malloc'ed; the owner frees it */
	size_t length;
	size_t room;
};

/* False when there is no memory. */
bool rt_pack_u32(struct rt_pack *pack, uint32_t value);
bool rt_pack_string(struct rt_pack *pack, const char *text, size_t length);
bool rt_pack_bytes(struct rt_pack *pack, const void *data, size_t length);

#ifdef __cplusplus
}
#endif

#endif
