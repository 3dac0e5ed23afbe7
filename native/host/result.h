/* Results and scopes shared by the native functions. */
#ifndef RT_RESULT_H
#define RT_RESULT_H

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "functions.h"

/* Converts a libc return value: a negative errno on failure. */
static inline int64_t rt_checked(int64_t returned)
{
	return returned < 0 ? -errno : returned;
}

static inline int64_t rt_result_copy(struct rt_result *result, const char *from, size_t length)
{
	result->data = malloc(length + 1);
	if (!result->data)
		return -ENOMEM;
	memcpy(result->data, from, length);
	result->data[length] = '\0';
	result->length = length;
	return 0;
}

static inline void rt_close_fd(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void rt_close_dir(DIR **directory)
{
	if (*directory)
		closedir(*directory);
}

static inline void rt_free(void *pointer)
{
	free(*(void **)pointer);
}

#define RT_CLOSE_FD __attribute__((cleanup(rt_close_fd)))
#define RT_CLOSE_DIR __attribute__((cleanup(rt_close_dir)))
#define RT_FREE __attribute__((cleanup(rt_free)))

#endif
