/* A mount namespace without the mounts of the host, a copy of which becomes that of a container: unshare(2) and the
 * removal of the old root take time for each mount that is copied. The kernel has one for the thread that makes device
 * nodes (kernel: drivers/base/devtmpfs.c). */
#include "decimal.h"
#include "mount.h"
#include "sys.h"

#include <linux/magic.h>
#include <linux/nsfs.h>

enum {
	KERNEL_THREAD = 0x00200000, /* PF_KTHREAD */
	SPACES_BEFORE_FLAGS = 7,    /* after the name */
	STAT_MAX = 512,
	MOUNTINFO_MAX = 4096,
	OTHER_INODES = 4 /* of mount_locked: its root, proc, sys and the null device */
};

static const char null_name[] = "null";

static bool is_same(const struct statx *a, const struct statx *b)
{
	return a->stx_ino == b->stx_ino && a->stx_dev_major == b->stx_dev_major &&
	       a->stx_dev_minor == b->stx_dev_minor;
}

static bool is_file(int fd, const char *path)
{
	struct statx own, other;
	RT_CLEANUP_FD int file = rt_open_how(AT_FDCWD, path, O_RDONLY, 0, 0);
	return file >= 0 && rt_statx(fd, &own) == 0 && rt_statx(file, &other) == 0 && is_same(&own, &other);
}

/* proc_pid_stat(5). The name in parentheses may contain anything. */
static bool is_kernel_thread(int process)
{
	char text[STAT_MAX] = "";
	RT_CLEANUP_FD int file = rt_open_how(process, "stat", O_RDONLY, 0, RESOLVE_BENEATH);
	long size = file < 0 ? file : rt_sys(read, file, text, sizeof(text));
	long at = 0;
	for (long i = 0; i < size && i < STAT_MAX; i++)
		if (text[i] == ')')
			at = i;
	for (int spaces = 0; at < size && at < STAT_MAX && spaces < SPACES_BEFORE_FLAGS; at++)
		spaces += text[at] == ' ';
	uint64_t flags = 0;
	for (; at < size && at < STAT_MAX && text[at] >= '0' && text[at] <= '9'; at++)
		flags = flags * 10 + (uint64_t)(text[at] - '0');
	return flags & KERNEL_THREAD;
}

/* The mount namespace of a kernel thread, in the user namespace of this process; ESTALE if it is not that. */
static int open_of_thread(struct rt_context *context, const char *path)
{
	struct statfs fs;
	RT_CLEANUP_FD int thread = rt_open_how(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, 0);
	if (thread < 0)
		return rt_fail(context, "openat2", thread);
	long status = rt_sys(fstatfs, thread, &fs);
	if (status < 0 || fs.f_type != PROC_SUPER_MAGIC || !is_kernel_thread(thread))
		return rt_fail(context, "fstatfs", status < 0 ? status : -ESTALE);
	RT_CLEANUP_FD int namespace = rt_open_how(thread, "ns/mnt", O_RDONLY, 0, 0);
	if (namespace < 0)
		return rt_fail(context, "openat2", namespace);
	RT_CLEANUP_FD int owner = (int)rt_sys(ioctl, namespace, NS_GET_USERNS, 0);
	if (owner < 0 || !is_file(owner, "/proc/self/ns/user"))
		return rt_fail(context, "ioctl", -ESTALE);
	return rt_steal_fd(&namespace);
}

/* Clones the device that masks files; init cannot clone it once it is in another mount namespace. If the host has none,
 * the first mask fails. */
static void clone_null_device(struct rt_context *context)
{
	struct statx st;
	RT_CLEANUP_FD int mount = (int)rt_sys(
		open_tree, AT_FDCWD, "/dev/null", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);
	if (mount < 0 || rt_statx(mount, &st) < 0 || !rt_is_device(&st, S_IFCHR, 1, 3))
		return;
	if (rt_set_mount(mount, RT_NODE_ATTRIBUTES, 0, MS_PRIVATE, false) < 0)
		return;
	context->null_device = rt_steal_fd(&mount);
	context->null_detached = true;
}

/* Whether a mount of a type is in the lines of mountinfo, which come in pieces: `at` is how much of the type, ` - type `,
 * was at the end of the last one. Spaces in other fields are escaped. */
static bool find_type(const char *lines, long size, const char *type, size_t *at)
{
	for (long i = 0; i < size; i++) {
		*at = lines[i] == type[*at] ? *at + 1 : lines[i] == type[0];
		if (type[*at] == '\0')
			return true;
	}
	return false;
}

/* Whether a devtmpfs is the only mount. `self` is this process in the host's procfs. */
static int check_contents(struct rt_context *context, int self)
{
	char lines[MOUNTINFO_MAX];
	RT_CLEANUP_FD int table = rt_open_how(self, "mountinfo", O_RDONLY, 0, RESOLVE_BENEATH);
	if (table < 0)
		return rt_fail(context, "openat2", table);
	long size = rt_sys(read, table, lines, sizeof(lines));
	long first = 0;
	size_t at = 0;
	while (first < size && lines[first] != '\n')
		first++;
	if (size <= 0 || first != size - 1 || !find_type(lines, size, " - devtmpfs ", &at))
		return rt_fail(context, "read", size < 0 ? size : -ESTALE);
	return 0;
}

int rt_enter_mount_namespace(struct rt_context *context, const struct rt_op_enter_mount_namespace *op)
{
	RT_CLEANUP_FD int namespace = open_of_thread(context, op->thread.data);
	if (namespace < 0)
		return namespace;
	rt_close(&context->self);
	context->self = rt_open_how(AT_FDCWD, "/proc/self", O_PATH | O_DIRECTORY, 0, 0);
	if (context->self < 0)
		return rt_fail(context, "openat2", context->self);
	clone_null_device(context);
	long status = rt_sys(setns, namespace, CLONE_NEWNS);
	if (status < 0)
		return rt_fail(context, "setns", status);
	return check_contents(context, context->self);
}

/* Attaches a tree to a new directory or file of the mount at `root`. */
static int attach_named(struct rt_context *context, int root, const char *name, int tree)
{
	struct statx st;
	int status = rt_statx(tree, &st);
	if (status < 0)
		return rt_fail(context, "statx", status);
	bool directory = (st.stx_mode & S_IFMT) == S_IFDIR;
	long made = directory ? rt_sys(mkdirat, root, name, 0555)
			      : rt_sys(mknodat, root, name, S_IFREG | 0444, 0);
	if (made < 0)
		return rt_fail(context, directory ? "mkdirat" : "mknodat", made);
	RT_CLEANUP_FD int target = rt_open_how(root, name, O_PATH | O_NOFOLLOW, 0, RESOLVE_BENEATH);
	return target < 0 ? rt_fail(context, "openat2", target) : rt_attach(context, tree, target);
}

static int attach_trees(struct rt_context *context, int root, const struct rt_u32s *trees)
{
	char digits[RT_DECIMAL_SIZE];
	int status = 0;
	for (uint32_t i = 0; status == 0 && i < trees->count; i++) {
		uint32_t slot = rt_u32_at(trees, i);
		status = attach_named(context, root, rt_decimal(digits, i),
			slot < RT_SLOTS ? context->slots[slot] : -EBADF);
	}
	return status;
}

/* What the host lacks, such as /sys in a chroot, no container can mount then. */
static int attach_slot(struct rt_context *context, int root, const char *name, uint32_t slot)
{
	RT_CLEANUP_FD int tree = rt_steal_fd(&context->slots[slot]);
	return tree < 0 ? 0 : attach_named(context, root, name, tree);
}

/* Replaces the root of the mount namespace, a copy of the host's or of the thread's, with a read-only tmpfs that has
 * nothing but the trees; `others` also has what only init needs. */
static int leave_host(
	struct rt_context *context, const struct rt_u32s *trees, const struct rt_op_mount_locked *others)
{
	char digits[RT_DECIMAL_SIZE];
	/* In a chroot of the runtime, pivot_root(2) would refuse. */
	int status = rt_join_own_mounts(context);
	if (status < 0)
		return status;
	RT_CLEANUP_FD int old = rt_open_how(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0, 0);
	if (old < 0)
		return rt_fail(context, "openat2", old);
	status = rt_set_mount(old, 0, 0, MS_PRIVATE, true);
	if (status < 0)
		return rt_fail(context, "mount_setattr", status);
	RT_CLEANUP_FD int root =
		rt_make_empty(context, "rt", rt_decimal(digits, trees->count + OTHER_INODES), "555");
	if (root < 0)
		return root;
	status = rt_set_mount(root, 0, MOUNT_ATTR_RDONLY, 0, false);
	if (status < 0)
		return rt_fail(context, "mount_setattr", status);
	/* Before Linux 6.15 nothing can be attached to a mount that is detached itself. */
	status = rt_attach(context, root, old);
	if (status == 0)
		status = attach_trees(context, root, trees);
	if (status == 0 && others != NULL)
		status = attach_slot(context, root, "proc", others->proc);
	if (status == 0 && others != NULL)
		status = attach_slot(context, root, "sys", others->sys);
	if (status == 0 && others != NULL && context->null_detached)
		status = attach_named(context, root, null_name, context->null_device);
	if (status < 0)
		return status;
	status = rt_set_mount(root, MOUNT_ATTR_RDONLY, 0, 0, false);
	if (status < 0)
		return rt_fail(context, "mount_setattr", status);
	return rt_replace_root(context, old, root);
}

int rt_mount_locked(struct rt_context *context, const struct rt_op_mount_locked *op)
{
	if (context->null_device < 0)
		clone_null_device(context);
	int status = leave_host(context, &op->trees, op);
	/* It may be another process that continues; the host's procfs is at /proc. */
	rt_close(&context->self);
	return status;
}

/* Puts a clone of what has a name in the root in the place of what was attached there, under the same number, which
 * another process that shares the descriptors knows. */
static int clone_named(struct rt_context *context, int root, const char *name, int place)
{
	RT_CLEANUP_FD int tree = (int)rt_sys(open_tree, root, name,
		OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW);
	if (tree < 0)
		return rt_fail(context, "open_tree", tree);
	long status = rt_sys(dup3, tree, place, O_CLOEXEC);
	return status < 0 ? rt_fail(context, "dup3", status) : 0;
}

static int clone_trees(struct rt_context *context, int root, const struct rt_u32s *trees)
{
	char digits[RT_DECIMAL_SIZE];
	int status = 0;
	for (uint32_t i = 0; status == 0 && i < trees->count; i++) {
		uint32_t slot = rt_u32_at(trees, i);
		status = clone_named(
			context, root, rt_decimal(digits, i), slot < RT_SLOTS ? context->slots[slot] : -1);
	}
	return status;
}

int rt_clone_locked(struct rt_context *context, const struct rt_op_clone_locked *op)
{
	RT_CLEANUP_FD int root = rt_open_how(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0, 0);
	if (root < 0)
		return rt_fail(context, "openat2", root);
	int status = context->null_detached ? clone_named(context, root, null_name, context->null_device) : 0;
	return status < 0 ? status : clone_trees(context, root, &op->trees);
}

/* In a process of its own, which shares only the descriptor table. */
static int lock_trees(struct rt_context *context, const struct rt_op_lock_trees *op)
{
	long status = rt_sys(unshare, CLONE_NEWNS);
	if (status < 0)
		return rt_fail(context, "unshare", status);
	int left = leave_host(context, &op->trees, NULL);
	if (left < 0)
		return left;
	status = rt_sys(setns, context->slots[op->user], CLONE_NEWUSER);
	if (status < 0)
		return rt_fail(context, "setns", status);
	/* The change of credentials has reset the dumpable attribute to fs.suid_dumpable (prctl(2)). */
	int hidden = rt_hide(context);
	if (hidden < 0)
		return hidden;
	status = rt_sys(unshare, CLONE_NEWNS);
	if (status < 0)
		return rt_fail(context, "unshare", status);
	RT_CLEANUP_FD int root = rt_open_how(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0, 0);
	return root < 0 ? rt_fail(context, "openat2", root) : clone_trees(context, root, &op->trees);
}

struct outcome {
	const char *call;
	long status;
};

int rt_lock_trees(struct rt_context *context, const struct rt_op_lock_trees *op)
{
	int ends[2];
	struct outcome outcome;
	struct clone_args clone = {.flags = CLONE_FILES, .exit_signal = SIGCHLD};
	long status = rt_sys(pipe2, ends, O_CLOEXEC | O_NONBLOCK);
	if (status < 0)
		return rt_fail(context, "pipe2", status);
	RT_CLEANUP_FD int read_end = ends[0];
	RT_CLEANUP_FD int write_end = ends[1];
	long pid = rt_sys(clone3, &clone, sizeof(clone));
	if (pid < 0)
		return rt_fail(context, "clone3", pid);
	if (pid == 0) {
		outcome.status = lock_trees(context, op);
		outcome.call = context->call;
		rt_sys(write, write_end, &outcome, sizeof(outcome));
		rt_leave(0);
	}
	while (rt_sys(wait4, pid, NULL, 0, NULL) == -EINTR)
		;
	if (rt_sys(read, read_end, &outcome, sizeof(outcome)) != sizeof(outcome))
		return rt_fail(context, "read", -EPIPE);
	return outcome.status < 0 ? rt_fail(context, outcome.call, outcome.status) : 0;
}

int rt_refuse_pinned(struct rt_context *context)
{
	char lines[MOUNTINFO_MAX];
	size_t at = 0;
	RT_CLEANUP_FD int table = rt_open_how(context->self, "mountinfo", O_RDONLY, 0, RESOLVE_BENEATH);
	if (table < 0)
		return rt_fail(context, "openat2", table);
	for (;;) {
		long size = rt_sys(read, table, lines, sizeof(lines));
		if (size < 0)
			return rt_fail(context, "read", size);
		if (size == 0)
			return 0;
		if (find_type(lines, size, " - nsfs ", &at))
			return rt_fail(context, "read", -ELOOP);
	}
}
