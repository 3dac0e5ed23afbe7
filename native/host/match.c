/* Texts that are looked at without the engine, which needs a hundred instructions for each character. */
#include <fcntl.h>
#include <sys/syscall.h>

#include "result.h"

enum { FIRST_PRINTABLE = ' ', LAST_PRINTABLE = '~', LONGEST_INTEGER = 15 };

/* In a pattern; JSON.stringify writes neither. */
enum { ANY_VALUE = '\n', SAME_VALUE = '\t' };

#define MISMATCH SIZE_MAX

/* Times a byte: that byte in each place. */
#define EACH UINT64_C(0x0101010101010101)

static bool is_printable(char c)
{
	return c >= FIRST_PRINTABLE && c <= LAST_PRINTABLE;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

struct span {
	const char *at, *end;
};

static size_t size_of(struct span span)
{
	return (size_t)(span.end - span.at);
}

/* Length of a string of JSON without its quotes, if it means what it says: no escapes, printable ASCII. */
static size_t plain_string(struct span text)
{
	const char *at = text.at;
	while (at < text.end && is_printable(*at) && *at != '"' && *at != '\\')
		at++;
	return (size_t)(at - text.at);
}

/* Length of an integer of JSON that is not negative and that a double holds exactly, 0 if there is none. */
static size_t plain_integer(struct span text)
{
	const char *at = text.at;
	while (at < text.end && is_digit(*at))
		at++;
	size_t length = (size_t)(at - text.at);
	return length > LONGEST_INTEGER || (length > 1 && *text.at == '0') ? 0 : length;
}

/* Skips what both begin with, up to a value; eight characters at a time, without which this would take half of the time
 * of a listing. */
static void skip_same(struct span *text, struct span *pattern)
{
	while (size_of(*text) >= sizeof(uint64_t) && size_of(*pattern) >= sizeof(uint64_t)) {
		uint64_t left, right;
		memcpy(&left, text->at, sizeof(left));
		memcpy(&right, pattern->at, sizeof(right));
		/* The second term has a bit where a byte is less than a space, or more than ASCII. */
		if (left != right || ((left - EACH * ' ') | left) & (EACH * 0x80))
			break;
		text->at += sizeof(left);
		pattern->at += sizeof(left);
	}
	while (text->at < text->end && pattern->at < pattern->end && *text->at == *pattern->at &&
		is_printable(*text->at)) {
		text->at++;
		pattern->at++;
	}
}

/* Copies the values to `out`, each ended by a NUL. The length of all, or MISMATCH. */
static size_t match(struct span text, struct span pattern, char *out)
{
	const char *const values = out;
	struct span value = {text.at, text.at};
	for (;; pattern.at++) {
		skip_same(&text, &pattern);
		if (pattern.at == pattern.end)
			return text.at == text.end ? (size_t)(out - values) : MISMATCH;
		if (*pattern.at == ANY_VALUE) {
			bool in_string = pattern.at + 1 < pattern.end && pattern.at[1] == '"';
			size_t length = in_string ? plain_string(text) : plain_integer(text);
			if (length == 0 && !in_string)
				return MISMATCH;
			value = (struct span){text.at, text.at + length};
			memcpy(out, text.at, length);
			out += length;
			*out++ = '\0';
			text.at += length;
		} else if (*pattern.at == SAME_VALUE) {
			size_t length = size_of(value);
			if (size_of(text) < length || memcmp(text.at, value.at, length) != 0)
				return MISMATCH;
			text.at += length;
		} else {
			return MISMATCH;
		}
	}
}

int64_t rt_fn_matchAt(const struct rt_value *args, struct rt_result *result)
{
	RT_CLOSE_FD int fd = (int)syscall(SYS_openat, (int)args[0].integer, args[1].data,
		O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC | O_LARGEFILE, 0);
	if (fd < 0)
		return -errno;
	size_t max = (size_t)args[2].integer;
	RT_FREE char *text = malloc(max);
	if (!text)
		return -ENOMEM;
	/* What ends further on, or is no file, does not match. */
	ssize_t size = read(fd, text, max);
	if (size <= 0 || (size_t)size == max)
		return -EBADMSG;
	/* Each value, which may be empty, gets a NUL. */
	RT_FREE char *values = malloc((size_t)size + args[3].length);
	if (!values)
		return -ENOMEM;
	struct span pattern = {args[3].data, args[3].data + args[3].length};
	result->length = match((struct span){text, text + size}, pattern, values);
	if (result->length == MISMATCH)
		return -EBADMSG;
	result->data = values;
	values = NULL;
	return 0;
}

int64_t rt_fn_isPrintable(const struct rt_value *args, struct rt_result *result)
{
	(void)result;
	for (const char *at = args[0].data; *at; at++)
		if (!is_printable(*at) && !(args[1].integer && (*at == '\n' || *at == '\t')))
			return 0;
	return 1;
}
