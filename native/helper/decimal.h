#ifndef RT_DECIMAL_H
#define RT_DECIMAL_H

#include <stdint.h>

enum { RT_DECIMAL_SIZE = 11 };

/* Formats a number right-aligned in `text`, with a NUL; returns its first digit. */
char *rt_decimal(char text[static RT_DECIMAL_SIZE], uint32_t value);

#endif
