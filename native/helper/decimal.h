#ifndef RT_DECIMAL_H
#define RT_DECIMAL_H

#include <stdint.h>

enum { RT_DECIMAL_SIZE = 11 };

/* Writes a number with a NUL at the end of `text`: the place of its first digit. */
char *rt_decimal(char text[static RT_DECIMAL_SIZE], uint32_t value);

#endif
