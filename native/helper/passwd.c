/* The home directory of a uid from the container's /etc/passwd (passwd(5)). The file is untrusted: it may be
 * huge, a FIFO, or one endless line. */
#include "context.h"
#include "record.h"
#include "sys.h"

enum { MAX_FILE = 1 << 20, FIELD_UID = 2, FIELD_HOME = 5, HOME_PREFIX = 5 };

struct entry {
	unsigned field;
	uint64_t uid;
	bool digits, other; /* the uid field has digits, or characters that are none */
	bool comment;       /* also a line of NIS: it has no entry of its own */
	bool cut;           /* the home directory is too long */
	size_t length;
	size_t size; /* of the line so far */
};

enum line { LINE_OTHER, LINE_FOUND, LINE_MALFORMED };

static enum line judge(const struct entry *entry, uint32_t uid)
{
	if (entry->size == 0 || entry->comment)
		return LINE_OTHER;
	if (entry->field < FIELD_HOME || entry->other || !entry->digits)
		return LINE_MALFORMED;
	if (entry->uid != uid || entry->length == 0)
		return LINE_OTHER;
	return entry->cut ? LINE_MALFORMED : LINE_FOUND;
}

/* Processes one character of a line; the judgement of the line at its end, else LINE_OTHER. */
static enum line take(struct entry *entry, char c, uint32_t uid, char *home)
{
	if (c == '\n') {
		enum line line = judge(entry, uid);
		home[HOME_PREFIX + entry->length] = '\0';
		*entry = (struct entry){0};
		return line;
	}
	if (entry->size++ == 0)
		entry->comment = c == '#' || c == '+' || c == '-';
	if (c == ':') {
		entry->field++;
	} else if (entry->field == FIELD_UID) {
		bool digit = c >= '0' && c <= '9' && entry->uid <= UINT32_MAX;
		entry->digits = entry->digits || digit;
		entry->other = entry->other || !digit;
		if (digit)
			entry->uid = entry->uid * 10 + (uint64_t)(c - '0');
	} else if (entry->field == FIELD_HOME) {
		entry->cut = entry->length == RT_PATH_MAX - HOME_PREFIX - 1;
		if (!entry->cut)
			home[HOME_PREFIX + entry->length++] = c;
	}
	return LINE_OTHER;
}

/* True for errors that do not depend on the file: the host could not open or read it just now. Errors that
 * the image can cause, such as a symlink loop, leave the user without an entry. */
static bool is_of_host(long status)
{
	return status == -EMFILE || status == -ENFILE || status == -ENOMEM || status == -EIO;
}

/* Returns 1 if found, 0 if not, or a negative errno: -EBADMSG if not found and a line is malformed. */
static int search(int fd, uint32_t uid, char *home)
{
	char block[4096];
	struct entry entry = {0};
	int missing = 0;
	long size = 1;
	for (size_t total = 0; size > 0; total += (size_t)size) {
		if (total >= MAX_FILE)
			return -EFBIG;
		do
			size = rt_sys(read, fd, block, sizeof(block));
		while (size == -EINTR);
		if (size < 0)
			return (int)size;
		if (size == 0)
			block[0] = '\n';
		for (long i = 0; i < size || (size == 0 && i == 0); i++) {
			enum line line = take(&entry, block[i], uid, home);
			if (line == LINE_FOUND)
				return 1;
			if (line == LINE_MALFORMED)
				missing = -EBADMSG;
		}
	}
	return missing;
}

/* Whether the file, whose descriptor or a negative errno is `fd`, is one to search: 1, 0 if there is none, or a
 * negative errno. Kernel-generated files have no size, and reading them may have effects: a link to /proc/kmsg
 * would consume messages. */
static int inspect(int fd)
{
	struct statx st;
	if (fd == -ENOENT || fd == -ENOTDIR)
		return 0;
	int status = fd < 0 ? fd : rt_statx(fd, &st);
	if (status < 0)
		return status;
	if ((st.stx_mode & S_IFMT) != S_IFREG)
		return (st.stx_mode & S_IFMT) == S_IFDIR ? -EISDIR : -EINVAL;
	return st.stx_size > 0;
}

int rt_find_home(struct rt_context *context, const struct rt_op_find_home *op)
{
	static const char prefix[] = "HOME=/";
	RT_CLEANUP_FD int fd = rt_open_how(
		AT_FDCWD, "/etc/passwd", O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, RESOLVE_NO_MAGICLINKS);
	int found = inspect(fd);
	for (size_t i = 0; i < sizeof(prefix); i++)
		context->home[i] = prefix[i];
	if (found == 1)
		found = search(fd, op->uid, context->home);
	const char *call = fd < 0 ? "openat2" : "read";
	if (is_of_host(found))
		return rt_fail(context, call, found);
	if (found != 1)
		context->home[sizeof(prefix) - 2] = '/', context->home[sizeof(prefix) - 1] = '\0';
	return found < 0 ? rt_report_incomplete(context, call, found) : 0;
}
