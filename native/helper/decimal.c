#include "decimal.h"

char *rt_decimal(char text[static RT_DECIMAL_SIZE], uint32_t value)
{
	char *at = text + RT_DECIMAL_SIZE - 1;
	*at = '\0';
	do
		*--at = (char)('0' + value % 10);
	while ((value /= 10) > 0);
	return at;
}
