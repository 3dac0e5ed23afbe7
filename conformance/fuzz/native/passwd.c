/* The parser of a container's /etc/passwd, compared with a simple one that holds all lines in memory. */
#include "fuzz.h"

#include <string.h>

#include "../../../native/helper/passwd.c"

enum { SEEK_START = 0, LONGEST_HOME = RT_PATH_MAX - HOME_PREFIX - 1 };

/* Not called: only the search is tried. */
int rt_report_incomplete(struct rt_context *context, const char *call, long result)
{
	(void)context, (void)call;
	return (int)result;
}

static size_t field_end(const char *line, size_t at, size_t length)
{
	while (at < length && line[at] != ':')
		at++;
	return at;
}

/* The home directory in a line for `uid`: its length, or 0. */
static size_t home_in(const char *line, size_t length, uint32_t uid, const char **home)
{
	if (length == 0 || line[0] == '#' || line[0] == '+' || line[0] == '-')
		return 0;
	size_t starts[FIELD_HOME + 1], ends[FIELD_HOME + 1], at = 0;
	for (int field = 0; field <= FIELD_HOME; field++) {
		if (field > 0 && at >= length)
			return 0;
		starts[field] = field == 0 ? 0 : ++at;
		at = ends[field] = field_end(line, at, length);
	}
	size_t home_length = ends[FIELD_HOME] - starts[FIELD_HOME];
	if (starts[FIELD_UID] == ends[FIELD_UID] || home_length > LONGEST_HOME)
		return 0;
	uint64_t value = 0;
	for (size_t i = starts[FIELD_UID]; i < ends[FIELD_UID]; i++) {
		if (line[i] < '0' || line[i] > '9' || value > UINT32_MAX)
			return 0;
		value = value * 10 + (uint64_t)(line[i] - '0');
	}
	*home = line + starts[FIELD_HOME];
	return value == uid ? home_length : 0;
}

static size_t model(const char *text, size_t size, uint32_t uid, const char **home)
{
	for (size_t at = 0; at <= size;) {
		const char *end = at < size ? memchr(text + at, '\n', size - at) : NULL;
		size_t length = end ? (size_t)(end - text) - at : size - at;
		size_t found = home_in(text + at, length, uid, home);
		if (found > 0)
			return found;
		at += length + 1;
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t uids[] = {0, 1, 1000, 65534, UINT32_MAX};
	static int file = -1;
	if (file < 0)
		file = (int)rt_sys(memfd_create, "passwd", 0);
	require(file >= 0 && rt_sys(ftruncate, file, 0) == 0);
	rt_sys(lseek, file, 0, SEEK_START);
	require(rt_sys(write, file, data, size) == (long)size);
	for (size_t i = 0; i < sizeof(uids) / sizeof(uids[0]); i++) {
		char *home = malloc(RT_PATH_MAX);
		const char *wanted = "";
		rt_sys(lseek, file, 0, SEEK_START);
		int found = search(file, uids[i], home);
		size_t length = model((const char *)data, size, uids[i], &wanted);
		require((found == 1) == (length > 0));
		require(found == 1 || found == 0 || found == -EBADMSG || found == -EFBIG);
		require(found != 1 || memcmp(home + HOME_PREFIX, wanted, length) == 0);
		require(found != 1 || home[HOME_PREFIX + length] == '\0');
		free(home);
	}
	return 0;
}
