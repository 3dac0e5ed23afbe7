/* Mounts: created detached, configured, and attached by descriptor (mount_setattr(2), open_tree(2), fsopen(2)). */
#include "mount.h"
#include "procfs.h"
#include "sys.h"

#include <linux/magic.h>

int rt_set_mount(int fd, uint64_t set, uint64_t clear, uint64_t propagation, bool recursive)
{
	struct mount_attr attr = {.attr_set = set, .attr_clr = clear, .propagation = propagation};
	/* The access-time modes share one field, which must be cleared before it is set. */
	if (set & MOUNT_ATTR__ATIME)
		attr.attr_clr |= MOUNT_ATTR__ATIME;
	return (int)rt_sys(
		mount_setattr, fd, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attr, sizeof(attr));
}

int rt_attach(struct rt_context *context, int mount, int target)
{
	int status = (int)rt_sys(
		move_mount, mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
	return status < 0 ? rt_fail(context, "move_mount", status) : 0;
}

void rt_keep(struct rt_context *context, uint32_t slot, int *mount)
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

int rt_open_root_path(struct rt_context *context, const char *path)
{
	int fd = rt_open_how(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0, 0);
	/* The kernel says the same of a link as of a file. */
	long size = fd != -ENOTDIR
			    ? 0
			    : rt_sys(readlinkat, AT_FDCWD, path, context->detail, sizeof(context->detail));
	if (size > 0) {
		context->detail_length = (uint32_t)size;
		fd = -ELOOP;
	}
	return fd < 0 ? rt_fail(context, "openat2", fd) : fd;
}

int rt_isolate(struct rt_context *context, int directory)
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
	status = rt_set_mount(top, 0, 0, MS_PRIVATE, false);
	return status < 0 ? rt_fail(context, "mount_setattr", status) : 0;
}

/* Attaches the tree cloned by the stage over the root of the mount namespace, which is reachable, unlike the tree's
 * original path. Processes whose root is the namespace's root, such as this one, do not see mounts on top of it. */
static int root_of_stage(struct rt_context *context, const struct rt_op_open_root *op)
{
	RT_CLEANUP_FD int tree = rt_steal_fd(&context->slots[op->tree]);
	RT_CLEANUP_FD int target = rt_open_how(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0, 0);
	if (target < 0)
		return rt_fail(context, "openat2", target);
	int status = op->isolate ? rt_isolate(context, target) : 0;
	if (status < 0)
		return status;
	status = rt_set_mount(tree, 0, 0, op->type, false);
	if (status < 0)
		return rt_fail(context, "mount_setattr", status);
	status = rt_attach(context, tree, target);
	if (status == 0)
		context->slots[0] = rt_steal_fd(&tree);
	return status;
}

int rt_open_root(struct rt_context *context, const struct rt_op_open_root *op)
{
	if (op->tree != 0)
		return root_of_stage(context, op);
	RT_CLEANUP_FD int directory = rt_open_root_path(context, op->path.data);
	if (directory < 0)
		return directory;
	int status = op->isolate ? rt_isolate(context, directory) : 0;
	if (status < 0)
		return status;
	/* The parent mount of a new root must not be shared (pivot_root(2)): a private clone is put in between. In a user
	 * namespace the kernel does not take mounts below away, since what they cover would be seen. */
	RT_CLEANUP_FD int base =
		(int)rt_sys(open_tree, directory, "", OPEN_TREE_CLONE | O_CLOEXEC | AT_EMPTY_PATH);
	if (base == -EINVAL)
		base = (int)rt_sys(
			open_tree, directory, "", OPEN_TREE_CLONE | O_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
	if (base < 0)
		return rt_fail(context, "open_tree", base);
	RT_CLEANUP_FD int root = (int)rt_sys(
		open_tree, directory, "", OPEN_TREE_CLONE | O_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
	if (root < 0)
		return rt_fail(context, "open_tree", root);
	status = rt_set_mount(base, 0, 0, MS_PRIVATE, false);
	if (status == 0)
		status = rt_set_mount(root, 0, 0, op->type, false);
	if (status < 0)
		return rt_fail(context, "mount_setattr", status);
	status = rt_attach(context, base, directory);
	if (status == 0)
		status = rt_attach(context, root, base);
	if (status < 0)
		return status;
	context->slots[0] = rt_steal_fd(&root);
	return 0;
}

int rt_open_root_directory(struct rt_context *context, const struct rt_op_open_root_directory *op)
{
	int fd = rt_open_root_path(context, op->path.data);
	if (fd < 0)
		return fd;
	rt_close(&context->slots[0]);
	context->slots[0] = fd;
	return 0;
}

int rt_hold_root(struct rt_context *context, const struct rt_op_hold_root *op)
{
	RT_CLEANUP_FD int directory = rt_open_root_path(context, op->path.data);
	if (directory < 0)
		return directory;
	RT_CLEANUP_FD int root = (int)rt_sys(
		open_tree, directory, "", OPEN_TREE_CLONE | O_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
	if (root < 0)
		return rt_fail(context, "open_tree", root);
	int status = rt_attach(context, root, directory);
	if (status < 0)
		return status;
	/* Only now, because attaching to a shared mount makes a mount shared. */
	status = rt_set_mount(root, 0, 0, MS_PRIVATE, true);
	if (status < 0)
		return rt_fail(context, "mount_setattr", status);
	rt_close(&context->slots[0]);
	context->slots[0] = rt_steal_fd(&root);
	return 0;
}

int rt_unmount(struct rt_context *context, const struct rt_op_unmount *op)
{
	long status = rt_sys(umount2, op->path.data, MNT_DETACH | UMOUNT_NOFOLLOW);
	return status < 0 ? rt_fail(context, "umount2", status) : 0;
}

int rt_check_place(struct rt_context *context, int target)
{
	struct statfs fs;
	struct statx at, proc;
	int status = (int)rt_sys(fstatfs, target, &fs);
	if (status < 0 || fs.f_type != PROC_SUPER_MAGIC)
		return status < 0 ? rt_fail(context, "fstatfs", status) : 0;
	RT_CLEANUP_FD int place =
		rt_open_how(context->slots[0], "/proc", O_PATH, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
	if (place == -ENOENT)
		return 0;
	status = place < 0 ? place : rt_statx(place, &proc);
	if (status == 0)
		status = rt_statx(target, &at);
	if (status == 0 && at.stx_mnt_id == proc.stx_mnt_id)
		status = -EPERM;
	return status < 0 ? rt_fail(context, "fstatfs", status) : 0;
}

/* Requires a whole procfs: a subdirectory such as /proc/sys has neither processes nor masks. */
static int check_procfs(struct rt_context *context, int source, const struct statx *st)
{
	struct statfs fs;
	int status = (int)rt_sys(fstatfs, source, &fs);
	if (status < 0)
		return rt_fail(context, "fstatfs", status);
	bool whole = fs.f_type == PROC_SUPER_MAGIC && st->stx_ino == RT_PROC_ROOT_INODE;
	return whole ? 0 : rt_fail(context, "fstatfs", -EMEDIUMTYPE);
}

/* What the source covers; missing files and directories are made. */
static int bind_target(struct rt_context *context, const struct rt_op_mount_bind *op, bool directory)
{
	if (op->flags & RT_MOUNT_BIND_DESTINATION_NOFOLLOW) {
		const char *name;
		RT_CLEANUP_FD int parent =
			rt_resolve_parent(context, op->destination.data, RT_MISSING_DIRECTORY, false, &name);
		if (parent < 0)
			return parent;
		int target = rt_open_how(parent, name, O_PATH | O_NOFOLLOW, 0, RESOLVE_BENEATH);
		if (target != -ENOENT)
			return target < 0 ? rt_fail(context, "openat2", target) : target;
	}
	return rt_resolve(context, op->destination.data, directory ? RT_MISSING_DIRECTORY : RT_MISSING_FILE,
		directory ? 0755 : 0644, op->flags & RT_MOUNT_BIND_PLAIN_DESTINATION);
}

int rt_mount_bind(struct rt_context *context, const struct rt_op_mount_bind *op)
{
	int how = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
		  (op->flags & RT_MOUNT_BIND_RECURSIVE ? AT_RECURSIVE : 0) |
		  (op->flags & RT_MOUNT_BIND_SOURCE_NOFOLLOW ? AT_SYMLINK_NOFOLLOW : 0);
	RT_CLEANUP_FD int source = op->tree != 0 ? rt_steal_fd(&context->slots[op->tree])
						 : (int)rt_sys(open_tree, AT_FDCWD, op->source.data, how);
	if (source < 0)
		return rt_fail(context, "open_tree", source);
	struct statx from, to;
	int status = rt_statx(source, &from);
	if (status < 0)
		return rt_fail(context, "statx", status);
	if (op->flags & RT_MOUNT_BIND_NEEDS_PROCFS && (status = check_procfs(context, source, &from)) < 0)
		return status;
	bool directory = (from.stx_mode & S_IFMT) == S_IFDIR;
	RT_CLEANUP_FD int target = bind_target(context, op, directory);
	if (target < 0)
		return target;
	status = rt_statx(target, &to);
	if (status < 0)
		return rt_fail(context, "statx", status);
	if (directory != ((to.stx_mode & S_IFMT) == S_IFDIR))
		return rt_fail(context, "move_mount", directory ? -ENOTDIR : -EISDIR);
	if (!(op->flags & RT_MOUNT_BIND_MAY_COVER_PROC) && (status = rt_check_place(context, target)) < 0)
		return status;
	if (op->set != 0 || op->clear != 0)
		status = rt_set_mount(source, op->set, op->clear, 0, false);
	/* It includes the top mount, whatever that has been given above. */
	if (status == 0 && (op->recursive_set != 0 || op->recursive_clear != 0))
		status = rt_set_mount(source, op->recursive_set, op->recursive_clear, 0, true);
	if (status < 0)
		return rt_fail(context, "mount_setattr", status);
	status = rt_attach(context, source, target);
	if (status == 0)
		rt_keep(context, op->slot, &source);
	return status;
}

/* Opens `destination`, which must be the root of a mount, with O_PATH, and its parent directory, in which it
 * is `name`. */
static int open_mount_root(
	struct rt_context *context, const struct rt_str *destination, int *parent, const char **name)
{
	*parent = rt_resolve_parent(context, destination->data, RT_MISSING_FAILS, true, name);
	if (*parent < 0)
		return *parent;
	RT_CLEANUP_FD int mount =
		rt_open_how(*parent, *name, O_PATH | O_NOFOLLOW, 0, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
	if (mount < 0)
		return rt_fail(context, "openat2", mount);
	struct statx st;
	int status = rt_statx(mount, &st);
	if (status < 0)
		return rt_fail(context, "statx", status);
	if ((st.stx_mode & S_IFMT) == S_IFLNK)
		return rt_fail(context, "openat2", -ELOOP);
	if (!(st.stx_attributes & STATX_ATTR_MOUNT_ROOT))
		return rt_fail(context, "statx", -EINVAL);
	return rt_steal_fd(&mount);
}

int rt_open_mount(struct rt_context *context, const struct rt_op_open_mount *op)
{
	const char *name;
	RT_CLEANUP_FD int parent = -1;
	RT_CLEANUP_FD int mount = open_mount_root(context, &op->destination, &parent, &name);
	if (mount < 0)
		return mount;
	rt_keep(context, op->slot, &mount);
	return 0;
}

int rt_remove_mount(struct rt_context *context, const struct rt_op_remove_mount *op)
{
	const char *name;
	RT_CLEANUP_FD int parent = -1;
	RT_CLEANUP_FD int mount = open_mount_root(context, &op->destination, &parent, &name);
	if (mount < 0)
		return mount;
	int status = (int)rt_sys(fchdir, parent);
	if (status < 0)
		return rt_fail(context, "fchdir", status);
	status = (int)rt_sys(umount2, name, MNT_DETACH | UMOUNT_NOFOLLOW);
	return status < 0 ? rt_fail(context, "umount2", status) : 0;
}

int rt_mount_attributes(struct rt_context *context, const struct rt_op_mount_attributes *op)
{
	int status = rt_set_mount(context->slots[op->slot], op->set, op->clear, 0, op->recursive != 0);
	return status < 0 ? rt_fail(context, "mount_setattr", status) : 0;
}

int rt_mount_propagation(struct rt_context *context, const struct rt_op_mount_propagation *op)
{
	int status = rt_set_mount(context->slots[op->slot], 0, 0, op->type, op->recursive != 0);
	return status < 0 ? rt_fail(context, "mount_setattr", status) : 0;
}

int rt_join_own_mounts(struct rt_context *context)
{
	RT_CLEANUP_FD int own_namespace =
		context->self >= 0 ? rt_open_how(context->self, "ns/mnt", O_RDONLY, 0, 0)
				   : rt_open_how(AT_FDCWD, "/proc/self/ns/mnt", O_RDONLY, 0, 0);
	if (own_namespace < 0)
		return rt_fail(context, "openat2", own_namespace);
	long status = rt_sys(setns, own_namespace, CLONE_NEWNS);
	return status < 0 ? rt_fail(context, "setns", status) : 0;
}

/* In a chroot of the runtime, pivot_root(2) would replace only the root that this process sees, and exec would enter the
 * other, which is the host's. */
int rt_leave_chroot(struct rt_context *context)
{
	struct statx own, entered;
	RT_CLEANUP_FD int before = rt_open_how(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0, 0);
	if (before < 0)
		return rt_fail(context, "openat2", before);
	long status = rt_join_own_mounts(context);
	if (status < 0)
		return (int)status;
	RT_CLEANUP_FD int after = rt_open_how(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0, 0);
	if (after < 0)
		return rt_fail(context, "openat2", after);
	status = rt_statx(after, &entered);
	if (status == 0)
		status = rt_statx(context->slots[0], &own);
	if (status != 0)
		return rt_fail(context, "statx", status);
	if (own.stx_mnt_id != entered.stx_mnt_id)
		return 0;
	/* Back below the mount that covers the root. */
	status = rt_sys(fchdir, before);
	if (status == 0)
		status = rt_sys(chroot, ".");
	return status < 0 ? rt_fail(context, "chroot", status) : 1;
}

int rt_replace_root(struct rt_context *context, int old, int root)
{
	long status = rt_sys(fchdir, root);
	if (status < 0)
		return rt_fail(context, "fchdir", status);
	status = rt_sys(pivot_root, ".", ".");
	if (status < 0)
		return rt_fail(context, "pivot_root", status);
	/* The unmount below must not propagate to the host. */
	status = rt_set_mount(old, 0, 0, MS_SLAVE, true);
	if (status < 0)
		return rt_fail(context, "mount_setattr", status);
	status = rt_sys(fchdir, old);
	if (status < 0)
		return rt_fail(context, "fchdir", status);
	status = rt_sys(umount2, ".", MNT_DETACH);
	return status < 0 ? rt_fail(context, "umount2", status) : 0;
}

int rt_pivot_root(struct rt_context *context)
{
	int covered = rt_leave_chroot(context);
	if (covered < 0)
		return covered;
	RT_CLEANUP_FD int old = rt_open_how(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0, 0);
	if (old < 0)
		return rt_fail(context, "openat2", old);
	int replaced = rt_replace_root(context, old, context->slots[0]);
	if (replaced < 0)
		return replaced;
	long status = rt_sys(chdir, "/");
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
