/* tmpcopyup: a new tmpfs starts with the contents of the directory that it covers. The image is untrusted, so
 * each name is opened in its parent without following links and compared with the entry seen before. A
 * running container may replace a file by a device node, and opening one can have side effects: each file is
 * inspected with O_PATH first and then reopened. */
#include "mount.h"
#include "sys.h"

enum { MAX_DEPTH = 64, BLOCK = 16 * 1024, UTIME_MAX = 2 };

struct rt_timespec {
	int64_t seconds, nanoseconds;
};

/* struct linux_dirent64, getdents64(2). */
struct rt_dirent {
	uint64_t inode;
	int64_t offset;
	uint16_t size;
	uint8_t type;
	char name[];
};

struct frame {
	int from, to;
	uint32_t at, filled;
	struct statx st;
	char entries[2048];
};

/* An owner not mapped in the user namespace cannot be set: the file stays root's. */
static int give(int fd, const struct statx *st)
{
	long status = rt_sys(fchownat, fd, "", st->stx_uid, st->stx_gid, AT_EMPTY_PATH);
	return status < 0 && status != -EINVAL && status != -EPERM ? (int)status : 0;
}

static int copy_attributes(int fd, const struct statx *st)
{
	int status = give(fd, st);
	/* After chown(2), which clears the set-user-ID bits. */
	return status < 0 ? status : (int)rt_sys(fchmod, fd, st->stx_mode & 07777);
}

/* For entries that are not opened otherwise. */
static int copy_owner(int to, const char *name, const struct statx *st)
{
	RT_CLEANUP_FD int fd = (int)rt_sys(openat, to, name, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
	return fd < 0 ? fd : give(fd, st);
}

static void copy_times(int fd, const struct statx *st)
{
	struct rt_timespec times[UTIME_MAX] = {
		{st->stx_atime.tv_sec, st->stx_atime.tv_nsec}, {st->stx_mtime.tv_sec, st->stx_mtime.tv_nsec}};
	rt_sys(utimensat, fd, NULL, times, 0);
}

static int copy_contents(int from, int to)
{
	static char block[BLOCK];
	for (;;) {
		long size = rt_sys(read, from, block, sizeof(block));
		if (size == -EINTR)
			continue;
		if (size <= 0)
			return (int)size;
		for (long done = 0; done < size;) {
			long written = rt_sys(write, to, block + done, size - done);
			if (written < 0)
				return (int)written;
			done += written;
		}
	}
}

static int copy_file(int descriptors, int from, int to, const char *name, const struct statx *seen)
{
	struct statx st;
	RT_CLEANUP_FD int file = (int)rt_sys(openat, from, name, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
	int status = file < 0 ? file : rt_statx(file, &st);
	if (status < 0)
		return status;
	if (st.stx_ino != seen->stx_ino || (st.stx_mode & S_IFMT) != S_IFREG)
		return -ESTALE;
	RT_CLEANUP_FD int source = rt_open_again(descriptors, file, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (source < 0)
		return source;
	RT_CLEANUP_FD int target =
		(int)rt_sys(openat, to, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, 0600);
	if (target < 0)
		return target;
	status = copy_contents(source, target);
	if (status == 0)
		status = copy_attributes(target, &st);
	if (status == 0)
		copy_times(target, &st);
	return status;
}

static int copy_link(int from, int to, const char *name, const struct statx *st)
{
	char target[RT_PATH_MAX];
	long size = rt_sys(readlinkat, from, name, target, sizeof(target) - 1);
	if (size < 0)
		return (int)size;
	target[size] = '\0';
	long status = rt_sys(symlinkat, target, to, name);
	if (status < 0)
		return (int)status;
	return copy_owner(to, name, st);
}

/* FIFOs are recreated. Sockets and device nodes are skipped: they are meaningless in a copy and need privileges. */
static int copy_special(int to, const char *name, const struct statx *st)
{
	if ((st->stx_mode & S_IFMT) != S_IFIFO)
		return 0;
	long status = rt_sys(mknodat, to, name, S_IFIFO | (st->stx_mode & 07777), 0);
	if (status < 0)
		return (int)status;
	return copy_owner(to, name, st);
}

static int enter(struct frame *next, const struct frame *frame, const char *name, const struct statx *seen)
{
	RT_CLEANUP_FD int from =
		(int)rt_sys(openat, frame->from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
	int status = from < 0 ? from : rt_statx(from, &next->st);
	if (status < 0)
		return status;
	if (next->st.stx_ino != seen->stx_ino)
		return -ESTALE;
	status = (int)rt_sys(mkdirat, frame->to, name, 0700);
	if (status < 0)
		return status;
	int to = (int)rt_sys(openat, frame->to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
	if (to < 0)
		return to;
	next->from = rt_steal_fd(&from);
	next->to = to;
	next->at = next->filled = 0;
	return 1;
}

/* Copies one entry; 1 when it is a directory and `next` is its frame. */
static int copy_entry(int descriptors, const struct frame *frame, struct frame *next, const char *name)
{
	struct statx st;
	if (rt_equal(name, ".") || rt_equal(name, ".."))
		return 0;
	int status = (int)rt_sys(
		statx, frame->from, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_MNT_ID, &st);
	if (status < 0)
		return status;
	if (st.stx_mnt_id != frame->st.stx_mnt_id)
		return 0; /* covered by another mount, which is not part of the image */
	switch (st.stx_mode & S_IFMT) {
	case S_IFDIR:
		return enter(next, frame, name, &st);
	case S_IFREG:
		return copy_file(descriptors, frame->from, frame->to, name, &st);
	case S_IFLNK:
		return copy_link(frame->from, frame->to, name, &st);
	default:
		return copy_special(frame->to, name, &st);
	}
}

/* The next directory entry, or NULL at the end. */
static const char *next_entry(struct frame *frame, long *status)
{
	if (frame->at == frame->filled) {
		*status = rt_sys(getdents64, frame->from, frame->entries, sizeof(frame->entries));
		if (*status <= 0)
			return NULL;
		frame->filled = (uint32_t)*status;
		frame->at = 0;
	}
	struct rt_dirent *entry = (struct rt_dirent *)(void *)(frame->entries + frame->at);
	frame->at += entry->size;
	return entry->name;
}

static int leave(struct frame *frame)
{
	int status = copy_attributes(frame->to, &frame->st);
	copy_times(frame->to, &frame->st);
	rt_close(&frame->from);
	rt_close(&frame->to);
	return status;
}

int rt_copy_tree(struct rt_context *context, int from, int to)
{
	static struct frame frames[MAX_DEPTH];
	int depth = 0;
	frames[0].from = frames[0].to = -1;
	RT_CLEANUP_FD int descriptors = rt_open_descriptors(context);
	if (descriptors < 0)
		return descriptors;
	long status = rt_statx(from, &frames[0].st);
	if (status == 0)
		status = frames[0].from = rt_open_how(from, ".", O_RDONLY | O_DIRECTORY, 0, 0);
	if (status >= 0)
		status = frames[0].to = rt_open_how(to, ".", O_RDONLY | O_DIRECTORY, 0, 0);
	frames[0].at = frames[0].filled = 0;
	while (status >= 0) {
		status = 0;
		const char *name = next_entry(&frames[depth], &status);
		if (name == NULL && status == 0) {
			/* The top directory keeps the owner and mode from the mount options. */
			if (depth == 0)
				break;
			status = leave(&frames[depth--]);
		} else if (name != NULL) {
			status = depth + 1 == MAX_DEPTH
					 ? -ELOOP
					 : copy_entry(descriptors, &frames[depth], &frames[depth + 1], name);
			depth += status == 1;
		}
	}
	for (; depth >= 0; depth--) {
		rt_close(&frames[depth].from);
		rt_close(&frames[depth].to);
	}
	return status < 0 ? rt_fail(context, "copy", status) : 0;
}
