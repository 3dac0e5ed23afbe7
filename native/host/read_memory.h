/* Reads the memory of a process that may keep its reader waiting. */
#ifndef RT_READ_MEMORY_H
#define RT_READ_MEMORY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { RT_READ_MOST = 4096 };

/* Copies at most `most` bytes, no more than RT_READ_MOST, from `address` of a process to `bytes`: fewer if the page after
 * that of the address is not mapped. Returns their number or a negative errno, ETIMEDOUT if the page has not come in
 * half a second. */
long rt_read_memory(pid_t pid, uint64_t address, char *bytes, size_t most);

#endif
