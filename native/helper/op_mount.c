/* Mounts: made detached, configured, attached by descriptor (mount_setattr(2), open_tree(2), fsopen(2)). */
#include "context.h"
#include "sys.h"

enum { PLAIN_DIRECTORY = 1, INHERIT_MODE = 2, RECURSIVE = 1, NEEDS_PROCFS = 2 };

#define PROC_SUPER_MAGIC 0x9fa0

static int set_attributes(int fd, uint64_t set, uint64_t clear, uint64_t propagation, bool recursive)
{
	struct mount_attr attr = {.attr_set = set, .attr_clr = clear, .propagation = propagation};
	/* All access-time modes share one field, which must be cleared to be set. */
	if (set & MOUNT_ATTR__ATIME)
		attr.attr_clr |= MOUNT_ATTR__ATIME;
	return (int)rt_sys(
		mount_setattr, fd, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attr, sizeof(attr));
}

static int attach(struct rt_context *context, int mount, int target)
{
	int status = (int)rt_sys(
		move_mount, mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
	return status < 0 ? rt_fail(context, "move_mount", status) : 0;
}

static void keep(struct rt_context *context, uint32_t slot, int *mount)
{
	if (slot == 0)
		return;
	rt_close(&context->slots[slot]);
	context->slots[slot] = rt_steal_fd(mount);
}

int rt_set_propagation(struct rt_context *context, const struct rt_op_set_propagation *op)
{
	struct mount_attr attr = {.propagation = op->type};
	int status = (int)rt_sys(
		mount_setattr, AT_FDCWD, "/", op->recursive ? AT_RECURSIVE : 0, &attr, sizeof(attr));
	return status < 0 ? rt_fail(context, "mount_setattr", status) : 0;
}

static int open_directory(struct rt_context *context, const char *path)
{
	int fd = rt_open_how(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0, 0);
	return fd < 0 ? rt_fail(context, "openat2", fd) : fd;
}

/* Makes the mount that holds `directory` private, which works on its root only: the last ancestor with the
 * same mount id. A mount moved onto a shared one would become shared itself, and appear on the host. */
static int isolate(struct rt_context *context, int directory)
{
	struct statx st, above;
	RT_CLEANUP_FD int top = rt_open_how(directory, ".", O_PATH | O_DIRECTORY, 0, 0);
	int status = top < 0 ? top : rt_statx(top, &st);
	while (status == 0) {
		RT_CLEANUP_FD int parent = rt_open_how(top, "..", O_PATH | O_DIRECTORY, 0, 0);
		status = parent < 0 ? parent : rt_statx(parent, &above);
		if (status < 0 || above.stx_mnt_id != st.stx_mnt_id ||
			(above.stx_ino == st.stx_ino && above.stx_dev_minor == st.stx_dev_minor))
			break;
		rt_close(&top);
		top = rt_steal_fd(&parent);
		st = above;
	}
	if (status < 0)
		return rt_fail(context, "openat2", status);
	status = set_attributes(top, 0, 0, MS_PRIVATE, false);
	return status < 0 ? rt_fail(context, "mount_setattr", status) : 0;
}

int rt_open_root(struct rt_context *context, const struct rt_op_open_root *op)
{
	RT_CLEANUP_FD int directory = open_directory(context, op->path.data);
	if (directory < 0)
		return directory;
	int status = op->isolate ? isolate(context, directory) : 0;
	if (status < 0)
		return status;
	/* The parent mount of a new root must not be shared (pivot_root(2)): a private clone goes between. */
	RT_CLEANUP_FD int base =
		(int)rt_sys(open_tree, directory, "", OPEN_TREE_CLONE | O_CLOEXEC | AT_EMPTY_PATH);
	if (base < 0)
		return rt_fail(context, "open_tree", base);
	RT_CLEANUP_FD int root = (int)rt_sys(
		open_tree, directory, "", OPEN_TREE_CLONE | O_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
	if (root < 0)
		return rt_fail(context, "open_tree", root);
	status = set_attributes(base, 0, 0, MS_PRIVATE, false);
	if (status == 0)
		status = set_attributes(root, 0, 0, op->type, false);
	if (status < 0)
		return rt_fail(context, "mount_setattr", status);
	status = attach(context, base, directory);
	if (status == 0)
		status = attach(context, root, base);
	if (status < 0)
		return status;
	context->slots[0] = rt_steal_fd(&root);
	return 0;
}

int rt_open_root_directory(struct rt_context *context, const struct rt_op_open_root_directory *op)
{
	int fd = open_directory(context, op->path.data);
	if (fd < 0)
		return fd;
	context->slots[0] = fd;
	return 0;
}

int rt_hold_root(struct rt_context *context, const struct rt_op_hold_root *op)
{
	RT_CLEANUP_FD int directory = open_directory(context, op->path.data);
	if (directory < 0)
		return directory;
	RT_CLEANUP_FD int root = (int)rt_sys(
		open_tree, directory, "", OPEN_TREE_CLONE | O_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
	if (root < 0)
		return rt_fail(context, "open_tree", root);
	int status = attach(context, root, directory);
	if (status < 0)
		return status;
	/* Only now: attaching to a shared mount makes a mount shared. */
	status = set_attributes(root, 0, 0, MS_PRIVATE, true);
	if (status < 0)
		return rt_fail(context, "mount_setattr", status);
	context->slots[0] = rt_steal_fd(&root);
	return 0;
}

int rt_unmount(struct rt_context *context, const struct rt_op_unmount *op)
{
	long status = rt_sys(umount2, op->path.data, MNT_DETACH | UMOUNT_NOFOLLOW);
	return status < 0 ? rt_fail(context, "umount2", status) : 0;
}

static int configure(struct rt_context *context, int filesystem, const char *option)
{
	char key[256];
	size_t length = 0;
	while (option[length] != '\0' && option[length] != '=')
		length++;
	if (length >= sizeof(key))
		return rt_fail(context, "fsconfig", -EINVAL);
	for (size_t i = 0; i < length; i++)
		key[i] = option[i];
	key[length] = '\0';
	long status = option[length] == '='
			      ? rt_sys(fsconfig, filesystem, FSCONFIG_SET_STRING, key, option + length + 1, 0)
			      : rt_sys(fsconfig, filesystem, FSCONFIG_SET_FLAG, key, NULL, 0);
	return status < 0 ? rt_fail(context, "fsconfig", status) : 0;
}

/* mode=%o of an existing directory, so that a tmpfs on it does not open it up. */
static int inherit_mode(struct rt_context *context, int filesystem, int target)
{
	struct statx st;
	char value[6];
	int status = rt_statx(target, &st);
	if (status < 0)
		return rt_fail(context, "statx", status);
	for (int digit = 0; digit < 5; digit++)
		value[digit] = (char)('0' + (st.stx_mode >> (12 - 3 * digit) & 7));
	value[0] = '0';
	value[5] = '\0';
	status = (int)rt_sys(fsconfig, filesystem, FSCONFIG_SET_STRING, "mode", value, 0);
	return status < 0 ? rt_fail(context, "fsconfig", status) : 0;
}

/* What the filesystem itself said about the failure, read from its context (fsopen(2)). */
static void read_reason(struct rt_context *context, int filesystem)
{
	long size = rt_sys(read, filesystem, context->detail, sizeof(context->detail));
	context->detail_length = size > 0 ? (uint32_t)size : 0;
}

static int create_filesystem(struct rt_context *context, struct rt_op_mount_filesystem *op, int target)
{
	RT_CLEANUP_FD int filesystem = (int)rt_sys(fsopen, op->type.data, FSOPEN_CLOEXEC);
	if (filesystem < 0)
		return rt_fail(context, "fsopen", filesystem);
	int status = (int)rt_sys(fsconfig, filesystem, FSCONFIG_SET_STRING, "source", op->source.data, 0);
	if (status < 0)
		status = rt_fail(context, "fsconfig", status);
	if (status == 0 && op->flags & INHERIT_MODE)
		status = inherit_mode(context, filesystem, target);
	while (status == 0 && op->options.count > 0)
		status = configure(context, filesystem, rt_next_str(&op->options));
	if (status == 0) {
		status = (int)rt_sys(fsconfig, filesystem, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
		if (status < 0)
			status = rt_fail(context, "fsconfig", status);
	}
	if (status == 0) {
		status = (int)rt_sys(fsmount, filesystem, FSMOUNT_CLOEXEC, op->attributes);
		if (status < 0)
			status = rt_fail(context, "fsmount", status);
	}
	if (status < 0)
		read_reason(context, filesystem);
	return status;
}

int rt_mount_filesystem(struct rt_context *context, struct rt_op_mount_filesystem *op)
{
	bool plain = op->flags & PLAIN_DIRECTORY;
	bool made = false;
	RT_CLEANUP_FD int target = rt_resolve(context, op->destination.data, RT_MISSING_FAILS, 0, plain);
	if (target == -ENOENT) {
		made = true;
		target = rt_resolve(context, op->destination.data, RT_MISSING_DIRECTORY, 0755, plain);
	}
	if (target < 0)
		return target;
	if (made)
		op->flags &= ~(uint32_t)INHERIT_MODE;
	struct statx st;
	int status = rt_statx(target, &st);
	if (status < 0)
		return rt_fail(context, "statx", status);
	if ((st.stx_mode & S_IFMT) != S_IFDIR)
		return rt_fail(context, "openat2", -ENOTDIR);
	RT_CLEANUP_FD int mount = create_filesystem(context, op, target);
	if (mount < 0)
		return mount;
	status = attach(context, mount, target);
	if (status == 0)
		keep(context, op->slot, &mount);
	return status;
}

static int check_procfs(struct rt_context *context, int source)
{
	struct statfs fs;
	int status = (int)rt_sys(fstatfs, source, &fs);
	if (status < 0)
		return rt_fail(context, "fstatfs", status);
	return fs.f_type == PROC_SUPER_MAGIC ? 0 : rt_fail(context, "fstatfs", -EMEDIUMTYPE);
}

int rt_mount_bind(struct rt_context *context, const struct rt_op_mount_bind *op)
{
	bool recursive = op->flags & RECURSIVE;
	RT_CLEANUP_FD int source = (int)rt_sys(open_tree, AT_FDCWD, op->source.data,
		OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0));
	if (source < 0)
		return rt_fail(context, "open_tree", source);
	struct statx from, to;
	int status = rt_statx(source, &from);
	if (status < 0)
		return rt_fail(context, "statx", status);
	if (op->flags & NEEDS_PROCFS && (status = check_procfs(context, source)) < 0)
		return status;
	bool directory = (from.stx_mode & S_IFMT) == S_IFDIR;
	RT_CLEANUP_FD int target = rt_resolve(context, op->destination.data,
		directory ? RT_MISSING_DIRECTORY : RT_MISSING_FILE, directory ? 0755 : 0644, false);
	if (target < 0)
		return target;
	status = rt_statx(target, &to);
	if (status < 0)
		return rt_fail(context, "statx", status);
	if (directory != ((to.stx_mode & S_IFMT) == S_IFDIR))
		return rt_fail(context, "move_mount", directory ? -ENOTDIR : -EISDIR);
	if (op->recursive_set != 0 || op->recursive_clear != 0)
		status = set_attributes(source, op->recursive_set, op->recursive_clear, 0, true);
	if (status == 0 && (op->set != 0 || op->clear != 0))
		status = set_attributes(source, op->set, op->clear, 0, false);
	if (status < 0)
		return rt_fail(context, "mount_setattr", status);
	status = attach(context, source, target);
	if (status == 0)
		keep(context, op->slot, &source);
	return status;
}

int rt_mount_attributes(struct rt_context *context, const struct rt_op_mount_attributes *op)
{
	int status = set_attributes(context->slots[op->slot], op->set, op->clear, 0, op->recursive != 0);
	return status < 0 ? rt_fail(context, "mount_setattr", status) : 0;
}

int rt_mount_propagation(struct rt_context *context, const struct rt_op_mount_propagation *op)
{
	int status = set_attributes(context->slots[op->slot], 0, 0, op->type, op->recursive != 0);
	return status < 0 ? rt_fail(context, "mount_setattr", status) : 0;
}

static int clone_mount(struct rt_context *context, int from)
{
	RT_CLEANUP_FD int mount =
		(int)rt_sys(open_tree, from, "", OPEN_TREE_CLONE | O_CLOEXEC | AT_EMPTY_PATH);
	if (mount < 0)
		return rt_fail(context, "open_tree", mount);
	int status = set_attributes(mount, 0, 0, MS_PRIVATE, false);
	if (status < 0)
		return rt_fail(context, "mount_setattr", status);
	return rt_steal_fd(&mount);
}

static int open_null_device(struct rt_context *context)
{
	if (context->null_device >= 0)
		return 0;
	RT_CLEANUP_FD int fd = rt_open_how(AT_FDCWD, "/dev/null", O_PATH | O_NOFOLLOW, 0, 0);
	if (fd < 0)
		return rt_fail(context, "openat2", fd);
	struct statx st;
	int status = rt_statx(fd, &st);
	if (status < 0)
		return rt_fail(context, "statx", status);
	if (!rt_is_device(&st, S_IFCHR, 1, 3))
		return rt_fail(context, "statx", -ENODEV);
	context->null_device = rt_steal_fd(&fd);
	return 0;
}

/* One read-only tmpfs for all masked directories: hundreds of superblocks are slow to make and to end. */
static int make_empty_directory(struct rt_context *context)
{
	RT_CLEANUP_FD int filesystem = (int)rt_sys(fsopen, "tmpfs", FSOPEN_CLOEXEC);
	if (filesystem < 0)
		return rt_fail(context, "fsopen", filesystem);
	static const char *const options[][2] = {
		{"source", "tmpfs"}, {"nr_blocks", "1"}, {"nr_inodes", "2"}, {"mode", "755"}};
	long status = 0;
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]) && status >= 0; i++)
		status = rt_sys(fsconfig, filesystem, FSCONFIG_SET_STRING, options[i][0], options[i][1], 0);
	if (status >= 0)
		status = rt_sys(fsconfig, filesystem, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	if (status < 0)
		return rt_fail(context, "fsconfig", status);
	status = rt_sys(fsmount, filesystem, FSMOUNT_CLOEXEC,
		MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	return status < 0 ? rt_fail(context, "fsmount", status) : (int)status;
}

int rt_mask_path(struct rt_context *context, const struct rt_op_mask_path *op)
{
	RT_CLEANUP_FD int target = rt_resolve(context, op->path.data, RT_MISSING_FAILS, 0, false);
	if (target == -ENOENT)
		return 0;
	if (target < 0)
		return target;
	struct statx st;
	int status = rt_statx(target, &st);
	if (status < 0)
		return rt_fail(context, "statx", status);
	RT_CLEANUP_FD int mount = -1;
	bool directory = (st.stx_mode & S_IFMT) == S_IFDIR;
	if (!directory) {
		status = open_null_device(context);
		if (status < 0)
			return status;
		mount = clone_mount(context, context->null_device);
	} else if (context->empty_directory < 0) {
		mount = make_empty_directory(context);
	} else {
		mount = clone_mount(context, context->empty_directory);
	}
	if (mount < 0)
		return mount;
	status = attach(context, mount, target);
	/* Only an attached mount can be cloned before Linux 6.15: the first one serves the others. */
	if (status == 0 && directory && context->empty_directory < 0)
		context->empty_directory = rt_steal_fd(&mount);
	return status;
}

int rt_readonly_path(struct rt_context *context, const struct rt_op_readonly_path *op)
{
	RT_CLEANUP_FD int target = rt_resolve(context, op->path.data, RT_MISSING_FAILS, 0, false);
	if (target == -ENOENT)
		return 0;
	if (target < 0)
		return target;
	RT_CLEANUP_FD int mount = (int)rt_sys(
		open_tree, target, "", OPEN_TREE_CLONE | O_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
	if (mount < 0)
		return rt_fail(context, "open_tree", mount);
	int status = set_attributes(mount, MOUNT_ATTR_RDONLY, 0, 0, true);
	if (status < 0)
		return rt_fail(context, "mount_setattr", status);
	return attach(context, mount, target);
}

int rt_pivot_root(struct rt_context *context)
{
	RT_CLEANUP_FD int old = rt_open_how(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0, 0);
	if (old < 0)
		return rt_fail(context, "openat2", old);
	long status = rt_sys(fchdir, context->slots[0]);
	if (status < 0)
		return rt_fail(context, "fchdir", status);
	status = rt_sys(pivot_root, ".", ".");
	if (status < 0)
		return rt_fail(context, "pivot_root", status);
	/* The unmount below must not travel back to the host. */
	status = set_attributes(old, 0, 0, MS_SLAVE, true);
	if (status < 0)
		return rt_fail(context, "mount_setattr", status);
	status = rt_sys(fchdir, old);
	if (status < 0)
		return rt_fail(context, "fchdir", status);
	status = rt_sys(umount2, ".", MNT_DETACH);
	if (status < 0)
		return rt_fail(context, "umount2", status);
	status = rt_sys(chdir, "/");
	return status < 0 ? rt_fail(context, "chdir", status) : 0;
}

int rt_chroot(struct rt_context *context)
{
	long status = rt_sys(fchdir, context->slots[0]);
	if (status < 0)
		return rt_fail(context, "fchdir", status);
	status = rt_sys(chroot, ".");
	return status < 0 ? rt_fail(context, "chroot", status) : 0;
}
