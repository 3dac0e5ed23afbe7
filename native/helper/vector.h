#ifndef RT_VECTOR_H
#define RT_VECTOR_H

#include "program.h"

/* What execve(2) takes: the strings of a list, then `last` unless that is empty, then NULL. In memory of its own, which
 * only the kernel limits; NULL when there is none. */
const char **rt_string_vector(struct rt_strs list, const char *last);

/* Of the same list. NULL is nothing to free. */
void rt_free_vector(const char **vector, struct rt_strs list);

#endif
