#include "vector.h"

#include "context.h"
#include "sys.h"

#include <linux/mman.h>

static size_t size_of(const struct rt_strs *list)
{
	return ((size_t)list->count + 2) * sizeof(char *);
}

const char **rt_string_vector(struct rt_strs list, const char *last)
{
	long memory = rt_sys(
		mmap, NULL, size_of(&list), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory < 0 && memory > -RT_PATH_MAX)
		return NULL;
	const char **vector = (const char **)memory;
	size_t count = 0;
	while (list.count > 0)
		vector[count++] = rt_next_str(&list);
	if (last[0] != '\0')
		vector[count++] = last;
	vector[count] = NULL;
	return vector;
}

void rt_free_vector(const char **vector, struct rt_strs list)
{
	if (vector != NULL)
		rt_sys(munmap, vector, size_of(&list));
}
