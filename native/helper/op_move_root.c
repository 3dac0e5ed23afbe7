/* Enters the root without pivot_root(2), which cannot replace the initial ramfs: the root is moved over the
 * old one. Host mounts would stay in the container's mount namespace, unreachable. But the kernel allows a
 * new procfs or sysfs in a user namespace that has one mounted whole and uncovered (mount_namespaces(7)),
 * which would undo masks. Hence none of them may remain. */
#include "mount.h"
#include "sys.h"

#include <linux/magic.h>

enum { PIECE = 4096, ID_FIELD = 0, ROOT_FIELD = 3, POINT_FIELD = 4, FIRST_TAG = 6 };

/* One line of /proc/self/mountinfo. */
struct mount_line {
	uint64_t id;
	bool whole;  /* the filesystem's root, not a subdirectory */
	bool pseudo; /* procfs or sysfs */
	char point[RT_PATH_MAX];
};

struct scan {
	int fd;
	size_t at, size;
	char data[PIECE];
};

static int next_byte(struct scan *scan)
{
	if (scan->at == scan->size) {
		long got = rt_sys(read, scan->fd, scan->data, sizeof(scan->data));
		if (got <= 0)
			return -1;
		scan->at = 0;
		scan->size = (size_t)got;
	}
	return (unsigned char)scan->data[scan->at++];
}

/* Decodes octal escapes, such as \040 for a space. */
static void unescape(char *to, const char *from)
{
	while (*from != '\0') {
		if (*from == '\\' && from[1] != '\0' && from[2] != '\0' && from[3] != '\0') {
			*to++ = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
			from += 4;
		} else
			*to++ = *from++;
	}
	*to = '\0';
}

static void take_field(struct mount_line *line, unsigned field, unsigned *type_field, const char *word)
{
	if (field == ID_FIELD)
		for (line->id = 0; *word >= '0' && *word <= '9'; word++)
			line->id = line->id * 10 + (uint64_t)(*word - '0');
	else if (field == ROOT_FIELD)
		line->whole = rt_equal(word, "/");
	else if (field == POINT_FIELD)
		unescape(line->point, word);
	else if (*type_field == 0 && field >= FIRST_TAG && rt_equal(word, "-"))
		*type_field = field + 1;
	else if (field == *type_field)
		line->pseudo = rt_equal(word, "proc") || rt_equal(word, "sysfs");
}

static bool next_line(struct scan *scan, struct mount_line *line)
{
	char word[RT_PATH_MAX];
	size_t length = 0;
	unsigned field = 0, type_field = 0;
	line->id = 0;
	line->whole = line->pseudo = false;
	line->point[0] = '\0';
	for (int byte; (byte = next_byte(scan)) >= 0;) {
		if (byte != ' ' && byte != '\n') {
			if (length < sizeof(word) - 1)
				word[length++] = (char)byte;
			continue;
		}
		word[length] = '\0';
		length = 0;
		take_field(line, field++, &type_field, word);
		if (byte == '\n')
			return true;
	}
	return false;
}

/* Opened before the host's procfs is removed; each pass rereads it. */
static int open_scan(struct rt_context *context, struct scan *scan)
{
	struct statfs fs;
	scan->fd = rt_open_how(AT_FDCWD, "/proc/self/mountinfo", O_RDONLY, 0, 0);
	int status = scan->fd < 0 ? scan->fd : (int)rt_sys(fstatfs, scan->fd, &fs);
	if (status == 0 && fs.f_type != PROC_SUPER_MAGIC)
		status = -EMEDIUMTYPE;
	return status < 0 ? rt_fail(context, "mountinfo", status) : 0;
}

static void rewind_scan(struct scan *scan)
{
	rt_sys(lseek, scan->fd, 0, 0 /* SEEK_SET */);
	scan->at = scan->size = 0;
}

/* Opens the root of a mount in the old tree. The container's own mounts are listed under the same paths, but
 * from this process's root a path leads to the old tree. */
static int open_old(const struct mount_line *line, uint64_t root)
{
	struct statx st;
	RT_CLEANUP_FD int fd =
		rt_open_how(AT_FDCWD, line->point, O_PATH | O_NOFOLLOW, 0, RESOLVE_NO_SYMLINKS);
	int status = fd < 0 ? fd : rt_statx(fd, &st);
	if (status < 0)
		return status;
	return st.stx_mnt_id == line->id && line->id != root ? rt_steal_fd(&fd) : -ENOENT;
}

/* One pass over the mounts of the old tree; true if one was detached. Mounts of another user namespace cannot be. */
static bool detach_pass(struct scan *scan, uint64_t root)
{
	struct mount_line line;
	bool progress = false;
	rewind_scan(scan);
	while (next_line(scan, &line)) {
		RT_CLEANUP_FD int fd = open_old(&line, root);
		if (fd < 0)
			continue;
		rt_close(&fd);
		progress |= rt_sys(umount2, line.point, MNT_DETACH | UMOUNT_NOFOLLOW) == 0;
	}
	return progress;
}

static int cover(struct rt_context *context, int target)
{
	RT_CLEANUP_FD int filesystem = (int)rt_sys(fsopen, "tmpfs", FSOPEN_CLOEXEC);
	if (filesystem < 0)
		return rt_fail(context, "fsopen", filesystem);
	long status = rt_sys(fsconfig, filesystem, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	if (status < 0)
		return rt_fail(context, "fsconfig", status);
	RT_CLEANUP_FD int mount = (int)rt_sys(fsmount, filesystem, FSMOUNT_CLOEXEC,
		MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	if (mount < 0)
		return rt_fail(context, "fsmount", mount);
	status = rt_set_mount(target, 0, 0, MS_PRIVATE, false);
	if (status < 0)
		return rt_fail(context, "mount_setattr", status);
	return rt_attach(context, mount, target);
}

static int cover_pseudo(struct rt_context *context, struct scan *scan, uint64_t root)
{
	struct mount_line line;
	int status = 0;
	rewind_scan(scan);
	while (status == 0 && next_line(scan, &line)) {
		if (!line.whole || !line.pseudo)
			continue;
		RT_CLEANUP_FD int fd = open_old(&line, root);
		if (fd >= 0)
			status = cover(context, fd);
	}
	return status;
}

static int clear_old(struct rt_context *context, uint64_t root, bool detach)
{
	struct scan scan;
	int status = open_scan(context, &scan);
	/* Detaching a mount exposes what it covered. */
	while (status == 0 && detach && detach_pass(&scan, root))
		;
	if (status == 0)
		status = cover_pseudo(context, &scan, root);
	rt_close(&scan.fd);
	return status;
}

int rt_move_root(struct rt_context *context, const struct rt_op_move_root *op)
{
	struct statx st;
	int covered = rt_leave_chroot(context);
	if (covered < 0)
		return covered;
	RT_CLEANUP_FD int old = rt_open_how(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0, 0);
	int status = old < 0 ? old : rt_statx(old, &st);
	if (status < 0)
		return rt_fail(context, "openat2", status);
	status = rt_isolate(context, old);
	if (status == 0 && covered == 0)
		status = rt_attach(context, context->slots[0], old);
	if (status == 0)
		status = clear_old(context, st.stx_mnt_id, op->detach != 0);
	return status < 0 ? status : rt_chroot(context);
}
