/* tmpcopyup: a new tmpfs starts with the contents of the directory that it covers. The image is untrusted, so
 * each name is opened in its parent without following links and compared with the entry seen before. A
 * running container may replace a file by a device node, and opening one can have side effects: each file is
 * inspected with O_PATH first and then reopened.
 *
 * Two descriptors serve any depth. Of a directory, first everything is copied but the contents of its
 * subdirectories. The copy, which nobody else can reach yet, is then the list of those still to be filled; on the
 * way back, `..` of the image must be the directory it was left as. */
#include "mount.h"
#include "sys.h"

enum {
	MAX_DEPTH = 4096,
	BLOCK = 64 * 1024,
	UTIME_MAX = 2,
	STATFS_NOSUID = 2,
	STATFS_NODEV = 4,
	RT_SEEK_SET = 0
};

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

enum { TYPE_DIRECTORY = 4 }; /* DT_DIR */

struct copy {
	int descriptors; /* from rt_open_descriptors */
	int from, to;    /* the current directory and its copy */
	struct statx st; /* of the current directory */
	uint64_t flags;  /* STATFS_*: what the image must not have where it is, its copy must not, either */
	int depth;
	struct {
		uint64_t inode;
		int64_t next; /* where the list of its subdirectories continues */
	} above[MAX_DEPTH];
};

static char block[BLOCK];

/* 1, or 0 for an owner that is not mapped in the user namespace: the file stays root's. */
static int give(int fd, const struct statx *st)
{
	long status = rt_sys(fchownat, fd, "", st->stx_uid, st->stx_gid, AT_EMPTY_PATH);
	if (status == -EINVAL || status == -EPERM)
		return 0;
	return status < 0 ? (int)status : 1;
}

/* Not every filesystem has every kind, and a user namespace may not set each. */
static bool is_refused(long status)
{
	return status == -EOPNOTSUPP || status == -EPERM || status == -EINVAL;
}

/* Extended attributes, among them access control lists and file capabilities. */
static int copy_extended(const struct copy *copy, int from, int to)
{
	static char names[BLOCK];
	long length = rt_sys(flistxattr, from, names, sizeof(names));
	if (length < 0)
		return is_refused(length) ? 0 : (int)length;
	for (long at = 0; at < length; at += (long)rt_strlen(names + at) + 1) {
		if (copy->flags & STATFS_NOSUID && rt_equal(names + at, "security.capability"))
			continue;
		long size = rt_sys(fgetxattr, from, names + at, block, sizeof(block));
		/* ENODATA: it was removed meanwhile, or is hidden. EOVERFLOW: a capability of another user
		 * namespace, which has no effect in this one. */
		long status = size < 0 ? size : rt_sys(fsetxattr, to, names + at, block, size, 0);
		if (status < 0 && status != -ENODATA && status != -EOVERFLOW && !is_refused(status))
			return (int)status;
	}
	return 0;
}

/* What chown(2) clears follows it: the set-user-ID bits and file capabilities. The bits of an owner that is not mapped
 * have no effect (kernel: bprm_fill_uid); with another owner, they would. */
static int copy_attributes(const struct copy *copy, int from, int to, const struct statx *st)
{
	int given = give(to, st);
	if (given < 0)
		return given;
	bool program = (st->stx_mode & S_IFMT) == S_IFREG;
	bool drop = given == 0 || (program && copy->flags & STATFS_NOSUID);
	int status = (int)rt_sys(fchmod, to, st->stx_mode & (drop ? 01777 : 07777));
	return status < 0 ? status : copy_extended(copy, from, to);
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

static int copy_file(const struct copy *copy, const char *name, const struct statx *seen)
{
	struct statx st;
	RT_CLEANUP_FD int file = (int)rt_sys(openat, copy->from, name, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
	int status = file < 0 ? file : rt_statx(file, &st);
	if (status < 0)
		return status;
	if (st.stx_ino != seen->stx_ino || (st.stx_mode & S_IFMT) != S_IFREG)
		return -ESTALE;
	RT_CLEANUP_FD int source = rt_open_again(copy->descriptors, file, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (source < 0)
		return source;
	RT_CLEANUP_FD int target = (int)rt_sys(
		openat, copy->to, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, 0600);
	if (target < 0)
		return target;
	status = copy_contents(source, target);
	if (status == 0)
		status = copy_attributes(copy, source, target, &st);
	if (status == 0)
		copy_times(target, &st);
	return status;
}

static int copy_link(const struct copy *copy, const char *name, const struct statx *st)
{
	char target[RT_PATH_MAX];
	long size = rt_sys(readlinkat, copy->from, name, target, sizeof(target) - 1);
	if (size < 0)
		return (int)size;
	target[size] = '\0';
	long status = rt_sys(symlinkat, target, copy->to, name);
	if (status < 0)
		return (int)status;
	return copy_owner(copy->to, name, st);
}

/* FIFOs, sockets and device nodes are made anew. A container may not make every node, nor use one where its mount
 * has nodev: such a node is left out. */
static int copy_special(const struct copy *copy, const char *name, const struct statx *st)
{
	uint32_t type = st->stx_mode & S_IFMT;
	bool node = type != S_IFIFO && type != S_IFSOCK;
	if (node && copy->flags & STATFS_NODEV)
		return 0;
	uint32_t number = rt_device_number(st->stx_rdev_major, st->stx_rdev_minor);
	long status = rt_sys(mknodat, copy->to, name, st->stx_mode, node ? number : 0);
	if (status < 0)
		return node && status == -EPERM ? 0 : (int)status;
	return copy_owner(copy->to, name, st);
}

static int copy_entry(const struct copy *copy, const char *name)
{
	struct statx st;
	if (rt_equal(name, ".") || rt_equal(name, ".."))
		return 0;
	int status = (int)rt_sys(
		statx, copy->from, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_MNT_ID, &st);
	if (status < 0)
		return status;
	if (st.stx_mnt_id != copy->st.stx_mnt_id)
		return 0; /* covered by another mount, which is not part of the image */
	switch (st.stx_mode & S_IFMT) {
	case S_IFDIR:
		return (int)rt_sys(mkdirat, copy->to, name, 0700);
	case S_IFREG:
		return copy_file(copy, name, &st);
	case S_IFLNK:
		return copy_link(copy, name, &st);
	default:
		return copy_special(copy, name, &st);
	}
}

/* Copies the entries of the current directory; subdirectories are empty. */
static int copy_entries(const struct copy *copy)
{
	_Alignas(struct rt_dirent) char entries[2048];
	for (;;) {
		long filled = rt_sys(getdents64, copy->from, entries, sizeof(entries));
		if (filled <= 0)
			return (int)filled;
		for (long at = 0; at < filled;) {
			const struct rt_dirent *entry = (const void *)(entries + at);
			int status = copy_entry(copy, entry->name);
			if (status < 0)
				return status;
			at += entry->size;
		}
	}
}

/* Finds the next subdirectory of the copy: 1, 0 at the end, or a negative errno. `next` is where the list continues. */
static int next_directory(const struct copy *copy, char name[static 256], int64_t *next)
{
	_Alignas(struct rt_dirent) char entries[2048];
	for (;;) {
		long filled = rt_sys(getdents64, copy->to, entries, sizeof(entries));
		if (filled <= 0)
			return (int)filled;
		for (long at = 0; at < filled;) {
			const struct rt_dirent *entry = (const void *)(entries + at);
			at += entry->size;
			if (entry->type != TYPE_DIRECTORY || rt_equal(entry->name, ".") ||
				rt_equal(entry->name, ".."))
				continue;
			rt_copy(name, entry->name, rt_strlen(entry->name) + 1);
			*next = entry->offset;
			return 1;
		}
	}
}

static int open_directory(int parent, const char *name)
{
	return (int)rt_sys(openat, parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
}

/* Makes the directory `name` of both the current one, in the mount of the first. */
static int move(struct copy *copy, const char *name)
{
	struct statx st;
	RT_CLEANUP_FD int from = open_directory(copy->from, name);
	int status = from < 0 ? from : rt_statx(from, &st);
	if (status < 0)
		return status;
	if (st.stx_mnt_id != copy->st.stx_mnt_id)
		return -ESTALE;
	RT_CLEANUP_FD int to = open_directory(copy->to, name);
	if (to < 0)
		return to;
	rt_close(&copy->from);
	rt_close(&copy->to);
	copy->from = rt_steal_fd(&from);
	copy->to = rt_steal_fd(&to);
	copy->st = st;
	return 0;
}

static int enter(struct copy *copy, const char *name, int64_t next)
{
	if (copy->depth == MAX_DEPTH)
		return -ELOOP;
	copy->above[copy->depth].inode = copy->st.stx_ino;
	copy->above[copy->depth++].next = next;
	int status = move(copy, name);
	return status < 0 ? status : copy_entries(copy);
}

static int leave(struct copy *copy)
{
	int status = copy_attributes(copy, copy->from, copy->to, &copy->st);
	if (status < 0)
		return status;
	copy_times(copy->to, &copy->st);
	status = move(copy, "..");
	if (status < 0)
		return status;
	copy->depth--;
	if (copy->st.stx_ino != copy->above[copy->depth].inode)
		return -ESTALE;
	long at = rt_sys(lseek, copy->to, copy->above[copy->depth].next, RT_SEEK_SET);
	return at < 0 ? (int)at : 0;
}

/* The top directory keeps the owner and mode from the mount options. */
static int copy_all(struct copy *copy)
{
	char name[256];
	int64_t next = 0;
	int status = copy_entries(copy);
	while (status == 0) {
		status = next_directory(copy, name, &next);
		if (status == 0 && copy->depth == 0)
			break;
		if (status >= 0)
			status = status == 1 ? enter(copy, name, next) : leave(copy);
	}
	return status;
}

int rt_copy_tree(struct rt_context *context, int from, int to)
{
	static struct copy copy;
	struct statfs fs;
	RT_CLEANUP_FD int descriptors = rt_open_descriptors(context);
	if (descriptors < 0)
		return descriptors;
	copy.descriptors = descriptors;
	copy.depth = 0;
	copy.to = -1;
	long status = copy.from = open_directory(from, ".");
	if (status >= 0)
		status = copy.to = open_directory(to, ".");
	if (status >= 0)
		status = rt_statx(copy.from, &copy.st);
	if (status >= 0)
		status = rt_sys(fstatfs, copy.from, &fs);
	if (status >= 0) {
		copy.flags = (uint64_t)fs.f_flags;
		status = copy_all(&copy);
	}
	rt_close(&copy.from);
	rt_close(&copy.to);
	return status < 0 ? rt_fail(context, "copy", status) : 0;
}
