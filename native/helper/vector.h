#ifndef RT_VECTOR_H
#define RT_VECTOR_H

#include "program.h"

/* Builds an execve(2) vector: the strings of a list, then `last` unless it is empty, then NULL. Its memory is
 * mapped separately, so only the kernel limits its size; NULL if out of memory. */
const char **rt_string_vector(struct rt_strs list, const char *last);

/* `list` is the one it was made from. NULL is ignored. */
void rt_free_vector(const char **vector, struct rt_strs list);

#endif
