/* The home directory of a uid from the container's /etc/passwd (passwd(5)). The file is untrusted: it may be
 * huge, a FIFO, or one endless line. */
#include "context.h"
#include "sys.h"

enum { MAX_FILE = 1 << 20, FIELD_UID = 2, FIELD_HOME = 5, HOME_PREFIX = 5 };

struct entry {
	unsigned field;
	uint64_t uid;
	bool number; /* the uid field consists of digits */
	size_t length;
};

static const struct entry no_entry = {.number = true};

/* Processes one character of a line; true at the end of the matching line. */
static bool take(struct entry *entry, char c, uint32_t uid, char *home)
{
	if (c == '\n') {
		bool found =
			entry->field >= FIELD_HOME && entry->number && entry->uid == uid && entry->length > 0;
		home[HOME_PREFIX + entry->length] = '\0';
		if (!found)
			*entry = no_entry;
		return found;
	}
	if (c == ':') {
		entry->field++;
		return false;
	}
	if (entry->field == FIELD_UID) {
		entry->number = entry->number && c >= '0' && c <= '9' && entry->uid <= UINT32_MAX;
		entry->uid = entry->uid * 10 + (uint64_t)(c - '0');
	} else if (entry->field == FIELD_HOME && entry->length < RT_PATH_MAX - HOME_PREFIX - 1) {
		home[HOME_PREFIX + entry->length++] = c;
	}
	return false;
}

/* True for errors that do not depend on the file: the host could not open or read it just now. Errors that
 * the image can cause, such as a missing file or a symlink loop, mean that there is no passwd file. */
static bool is_of_host(long status)
{
	return status == -EMFILE || status == -ENFILE || status == -ENOMEM || status == -EIO;
}

/* Returns 1 if found, 0 if not, or a negative errno. */
static int search(int fd, uint32_t uid, char *home)
{
	char block[4096];
	struct entry entry = no_entry;
	long size;
	for (size_t total = 0; total < MAX_FILE; total += (size_t)size) {
		do
			size = rt_sys(read, fd, block, sizeof(block));
		while (size == -EINTR);
		if (is_of_host(size))
			return (int)size;
		if (size <= 0)
			return take(&entry, '\n', uid, home);
		for (long i = 0; i < size; i++)
			if (take(&entry, block[i], uid, home))
				return 1;
	}
	return 0;
}

int rt_find_home(struct rt_context *context, const struct rt_op_find_home *op)
{
	static const char prefix[] = "HOME=/";
	struct statx st;
	for (size_t i = 0; i < sizeof(prefix); i++)
		context->home[i] = prefix[i];
	RT_CLEANUP_FD int fd = rt_open_how(
		AT_FDCWD, "/etc/passwd", O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, RESOLVE_NO_MAGICLINKS);
	if (is_of_host(fd))
		return rt_fail(context, "openat2", fd);
	/* Kernel-generated files have no size, and reading them may have effects: a link to /proc/kmsg would
	 * consume messages. */
	if (fd < 0 || rt_statx(fd, &st) < 0 || (st.stx_mode & S_IFMT) != S_IFREG || st.stx_size == 0)
		return 0;
	int found = search(fd, op->uid, context->home);
	if (found < 0)
		return rt_fail(context, "read", found);
	if (found == 0)
		for (size_t i = 0; i < sizeof(prefix); i++)
			context->home[i] = prefix[i];
	return 0;
}
