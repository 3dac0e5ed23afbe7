/* An encoded program, and the bounds-checked reader of its fields. docs/ops.md describes the format. */
#ifndef RT_PROGRAM_H
#define RT_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Points into the program; `data` ends with a NUL not counted in `length`. */
struct rt_str {
	const char *data;
	uint32_t length;
};

struct rt_bytes {
	const uint8_t *data;
	uint32_t length;
};

/* `count` encoded strings at `data`; walk them with rt_next_str. */
struct rt_strs {
	const uint8_t *data;
	uint32_t count;
};

/* `count` little-endian u32 at `data`, unaligned. */
struct rt_u32s {
	const uint8_t *data;
	uint32_t count;
};

struct rt_reader {
	const uint8_t *at;
	const uint8_t *end;
};

bool rt_read_u32(struct rt_reader *reader, uint32_t *value);
bool rt_read_i32(struct rt_reader *reader, int32_t *value);
bool rt_read_u64(struct rt_reader *reader, uint64_t *value);
bool rt_read_str(struct rt_reader *reader, struct rt_str *value);
bool rt_read_bytes(struct rt_reader *reader, struct rt_bytes *value);
bool rt_read_strs(struct rt_reader *reader, struct rt_strs *value);
bool rt_read_u32s(struct rt_reader *reader, struct rt_u32s *value);

/* Returns the next string of a list checked by rt_read_strs; advances `list`. */
const char *rt_next_str(struct rt_strs *list);

uint32_t rt_u32_at(const struct rt_u32s *list, uint32_t index);

struct rt_op;

/* The header's fields, and the first op. */
struct rt_program {
	uint32_t trace; /* the program's number in a trace; 0: not traced */
	uint32_t count;
	struct rt_reader reader;
};

/* Checks the whole program: header, every op, every field, exact length. There are no side effects before
 * this returns true. `host_only` refuses ops that only a container's init may run. */
bool rt_check_program(const uint8_t *data, size_t size, bool host_only, struct rt_program *program);

/* Whether a program not yet checked requests a trace. */
bool rt_is_traced(const uint8_t *data, size_t size);

/* Decodes the next op of a checked program. */
void rt_next_op(struct rt_reader *reader, struct rt_op *op);

#endif
