/* The home directory of a numeric user id, from the container's own /etc/passwd (passwd(5)). The file is
 * hostile: it may be huge, a fifo, or one line without end. */
#include "context.h"
#include "sys.h"

enum { MAX_FILE = 1 << 20, FIELD_UID = 2, FIELD_HOME = 5, HOME_PREFIX = 5 };

struct entry {
	unsigned field;
	uint64_t uid;
	bool number; /* the uid field holds digits only, at least one */
	size_t length;
};

static const struct entry no_entry = {.number = true};

/* Takes one character of a line; true when the line has ended and was the one looked for. */
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

/* True for what tells nothing about the file: the host could not open or read it at this moment. What the image can
 * bring about, such as a missing file or a loop of links, counts as no passwd file. */
static bool is_of_host(long status)
{
	return status == -EMFILE || status == -ENFILE || status == -ENOMEM || status == -EIO;
}

/* 1 when it was found, 0 when not, or a negative errno. */
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
	/* What the kernel makes up has no size, and reading it may do something: a link to /proc/kmsg would lose messages. */
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
