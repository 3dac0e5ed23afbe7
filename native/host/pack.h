/* Encodes the list of a 'p' argument: a number as a little-endian u32; a string as its length (u32), its
 * bytes and a NUL; an ArrayBuffer as its bytes. */
#ifndef RT_PACK_H
#define RT_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rt_pack {
	char *data; /* allocated; freed by the owner */
	size_t length;
	size_t room;
};

/* False if out of memory. */
bool rt_pack_u32(struct rt_pack *pack, uint32_t value);
bool rt_pack_string(struct rt_pack *pack, const char *text, size_t length);
bool rt_pack_bytes(struct rt_pack *pack, const void *data, size_t length);

#ifdef __cplusplus
}
#endif

#endif
