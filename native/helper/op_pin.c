/* A mount namespace without the mounts of the host, in which containers are made: unshare(2) and the removal of the old
 * root take time for each mount that is copied. It is pinned to a file, as ip-netns(8) does it with network namespaces. */
#include "clone.h"
#include "mount.h"
#include "sys.h"

#include <linux/magic.h>
#include <linux/nsfs.h>

enum {
	LOCK_NEW = 2 | 4 /* LOCK_EX | LOCK_NB */,
	UNMOUNT_ATTEMPTS = 16,
	PIN_ATTEMPTS = 16,
	CPU_WORDS = 16,
	WORD_BITS = 64,
	MOUNTINFO_MAX = 4096
};

static const char pin_name[] = "pinned";

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

/* Opens a directory that only root can have filled. */
static int open_directory(struct rt_context *context, const char *path, struct statx *st)
{
	RT_CLEANUP_FD int fd = rt_open_how(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, 0);
	if (fd < 0)
		return rt_fail(context, "openat2", fd);
	int status = rt_statx(fd, st);
	if (status == 0 && (st->stx_uid != 0 || (st->stx_mode & 022) != 0))
		status = -ESTALE;
	return status < 0 ? rt_fail(context, "statx", status) : rt_steal_fd(&fd);
}

/* The pinned namespace; ESTALE if there is something else, or another user namespace owns it. */
static int open_pinned(struct rt_context *context, int directory)
{
	RT_CLEANUP_FD int pinned = rt_open_how(
		directory, pin_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0, RESOLVE_BENEATH);
	if (pinned < 0)
		return rt_fail(context, "openat2", pinned);
	if (rt_sys(ioctl, pinned, NS_GET_NSTYPE, 0) != CLONE_NEWNS)
		return rt_fail(context, "ioctl", -ESTALE);
	RT_CLEANUP_FD int owner = (int)rt_sys(ioctl, pinned, NS_GET_USERNS, 0);
	if (owner < 0 || !is_file(owner, "/proc/self/ns/user") || is_file(pinned, "/proc/self/ns/mnt"))
		return rt_fail(context, "ioctl", -ESTALE);
	return rt_steal_fd(&pinned);
}

struct maker {
	int namespace;
	bool bound; /* to the CPUs in `cpus` */
	uint64_t cpus[CPU_WORDS];
	struct rt_context *context;
};

/* Replaces the root of the namespace, in which nothing of the host remains. */
static int empty_namespace(struct rt_context *context)
{
	RT_CLEANUP_FD int old = rt_open_how(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0, 0);
	if (old < 0)
		return rt_fail(context, "openat2", old);
	/* Neither the new mount nor the unmount may reach the host. */
	long status = rt_set_mount(old, 0, 0, MS_PRIVATE, true);
	if (status < 0)
		return rt_fail(context, "mount_setattr", status);
	RT_CLEANUP_FD int root = rt_make_empty(context, "rt", "1", "555");
	if (root < 0)
		return root;
	status = rt_sys(move_mount, root, "", old, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
	if (status < 0)
		return rt_fail(context, "move_mount", status);
	status = rt_sys(fchdir, root);
	if (status >= 0)
		status = rt_sys(pivot_root, ".", ".");
	if (status < 0)
		return rt_fail(context, "pivot_root", status);
	status = rt_sys(fchdir, old);
	if (status >= 0)
		status = rt_sys(umount2, ".", MNT_DETACH);
	return status < 0 ? rt_fail(context, "umount2", status) : 0;
}

static int make_and_open(struct maker *maker)
{
	struct rt_context *context = maker->context;
	if (maker->bound)
		rt_sys(sched_setaffinity, 0, sizeof(maker->cpus), maker->cpus);
	long status = rt_sys(unshare, CLONE_NEWNS);
	if (status < 0)
		return rt_fail(context, "unshare", status);
	RT_CLEANUP_FD int namespace = rt_open_how(AT_FDCWD, "/proc/self/ns/mnt", O_RDONLY, 0, 0);
	if (namespace < 0)
		return rt_fail(context, "openat2", namespace);
	status = empty_namespace(context);
	return status < 0 ? (int)status : rt_steal_fd(&namespace);
}

/* Shares memory and descriptors with the runtime, but not the directories. */
static void fill_namespace(void *argument)
{
	struct maker *maker = argument;
	maker->namespace = make_and_open(maker);
	rt_leave(0);
}

/* Leaves only the CPU at `index` in the set. */
static bool choose_cpu(uint64_t *cpus, int index)
{
	for (int word = 0; word < CPU_WORDS; word++)
		for (int bit = 0; bit < WORD_BITS; bit++) {
			if (!(cpus[word] >> bit & 1) || index-- > 0)
				continue;
			for (int other = 0; other < CPU_WORDS; other++)
				cpus[other] = other == word ? 1ull << bit : 0;
			return true;
		}
	return false;
}

/* `cpu`: index of the one that makes it, -1 for any; ENOENT if there is none. */
static int make_namespace(struct rt_context *context, int cpu)
{
	context->call = "clone3";
	struct maker maker = {.namespace = -EIO, .bound = cpu >= 0, .context = context};
	struct clone_args args = {.flags = CLONE_VM | CLONE_VFORK | CLONE_FILES};
	if (maker.bound && (rt_sys(sched_getaffinity, 0, sizeof(maker.cpus), maker.cpus) < 0 ||
				   !choose_cpu(maker.cpus, cpu)))
		return rt_fail(context, "move_mount", -ENOENT);
	uint64_t all = ~0ull, before = 0;
	rt_sys(rt_sigprocmask, 2, &all, &before, sizeof(all));
	long pid = rt_clone(&args, sizeof(args), fill_namespace, &maker);
	if (pid > 0)
		rt_sys(wait4, pid, NULL, 0x80000000 /* __WCLONE */, NULL);
	rt_sys(rt_sigprocmask, 2, &before, NULL, sizeof(before));
	return pid < 0 ? rt_fail(context, "clone3", pid) : maker.namespace;
}

/* An nsfs mount must not lie where it would propagate: /run is a shared mount under systemd. */
static int make_place(struct rt_context *context, int directory)
{
	RT_CLEANUP_FD int place =
		(int)rt_sys(open_tree, directory, "", OPEN_TREE_CLONE | O_CLOEXEC | AT_EMPTY_PATH);
	if (place < 0)
		return rt_fail(context, "open_tree", place);
	int status = rt_attach(context, place, directory);
	if (status < 0)
		return status;
	/* Only now, because attaching to a shared mount makes a mount shared. A container that binds what is above would
	 * else get the pin, which the kernel refuses to attach in newer namespaces. */
	status = rt_set_mount(place, 0, 0, MS_UNBINDABLE, false);
	return status < 0 ? rt_fail(context, "mount_setattr", status) : rt_steal_fd(&place);
}

static int pin_namespace(struct rt_context *context, int place, int namespace)
{
	int made = (int)rt_sys(
		openat, place, pin_name, O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_RDONLY, 0600);
	if (made < 0)
		return rt_fail(context, "openat", made);
	rt_close(&made);
	RT_CLEANUP_FD int target = rt_open_how(place, pin_name, O_PATH | O_NOFOLLOW, 0, RESOLVE_BENEATH);
	if (target < 0)
		return rt_fail(context, "openat2", target);
	RT_CLEANUP_FD int pin =
		(int)rt_sys(open_tree, namespace, "", OPEN_TREE_CLONE | O_CLOEXEC | AT_EMPTY_PATH);
	if (pin < 0)
		return rt_fail(context, "open_tree", pin);
	return rt_attach(context, pin, target);
}

/* Removes what is mounted at the path of the directory. */
static int clear_place(struct rt_context *context, const char *path)
{
	for (int attempt = 0; attempt < UNMOUNT_ATTEMPTS; attempt++) {
		struct statx st;
		RT_CLEANUP_FD int top = open_directory(context, path, &st);
		if (top < 0)
			return top;
		if (!(st.stx_attributes & STATX_ATTR_MOUNT_ROOT))
			return 0;
		long status = rt_sys(umount2, path, MNT_DETACH | UMOUNT_NOFOLLOW);
		if (status < 0)
			return rt_fail(context, "umount2", status);
	}
	return rt_fail(context, "umount2", -EBUSY);
}

/* Locks the directory, unless it has been replaced meanwhile. */
static int lock_directory(struct rt_context *context, int directory, const char *path)
{
	long status = rt_sys(flock, directory, LOCK_NEW);
	if (status < 0)
		return rt_fail(context, "flock", status);
	return is_file(directory, path) ? 0 : rt_fail(context, "openat2", -EAGAIN);
}

int rt_pin_mount_namespace(struct rt_context *context, const struct rt_op_pin_mount_namespace *op)
{
	const char *path = op->directory.data;
	struct statx st;
	long made = rt_sys(mkdirat, AT_FDCWD, path, 0700);
	if (made < 0 && made != -EEXIST)
		return rt_fail(context, "mkdirat", made);
	RT_CLEANUP_FD int directory = open_directory(context, path, &st);
	if (directory < 0)
		return directory;
	/* Its modification time is that of the last use. */
	long touched = rt_sys(utimensat, directory, NULL, NULL, 0);
	if (touched < 0)
		return rt_fail(context, "utimensat", touched);
	RT_CLEANUP_FD int pinned = open_pinned(context, directory);
	if (pinned >= 0)
		return 0;
	int status = lock_directory(context, directory, path);
	if (status == 0)
		status = clear_place(context, path);
	if (status < 0)
		return status;
	RT_CLEANUP_FD int below = open_directory(context, path, &st);
	if (below < 0)
		return below;
	RT_CLEANUP_FD int place = make_place(context, below);
	if (place < 0)
		return place;
	/* A mount namespace is pinned only in an older one, by their ids. Since Linux 6.18 each CPU has a supply of
	 * these: the namespace of the caller may be one with a higher id. */
	for (int cpu = -1; cpu < PIN_ATTEMPTS; cpu++) {
		RT_CLEANUP_FD int namespace = make_namespace(context, cpu);
		status = namespace < 0 ? namespace : pin_namespace(context, place, namespace);
		if (status != -ELOOP)
			break;
	}
	if (status < 0)
		rt_sys(umount2, path, MNT_DETACH | UMOUNT_NOFOLLOW);
	return status;
}

static bool is_recent(const struct statx *st, uint32_t grace)
{
	struct {
		int64_t seconds, nanoseconds;
	} now;
	if (rt_sys(clock_gettime, 0 /* CLOCK_REALTIME */, &now) < 0)
		return false;
	/* A time in the future is that of a clock that was wrong. */
	return now.seconds >= st->stx_mtime.tv_sec && now.seconds - st->stx_mtime.tv_sec < grace;
}

int rt_unpin_mount_namespace(struct rt_context *context, const struct rt_op_unpin_mount_namespace *op)
{
	const char *path = op->directory.data;
	struct statx st;
	RT_CLEANUP_FD int directory = open_directory(context, path, &st);
	if (directory < 0)
		return directory;
	if (is_recent(&st, op->grace))
		return 0;
	int status = lock_directory(context, directory, path);
	if (status == 0)
		status = clear_place(context, path);
	if (status < 0)
		return status;
	long removed = rt_sys(unlinkat, directory, pin_name, 0);
	if (removed >= 0 || removed == -ENOENT)
		removed = rt_sys(unlinkat, AT_FDCWD, path, AT_REMOVEDIR);
	return removed < 0 ? rt_fail(context, "unlinkat", removed) : 0;
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
	context->null_device = rt_steal_fd(&mount);
	context->null_detached = true;
}

/* Whether the tmpfs is the only mount. `self` is this process in the host's procfs. */
static int check_contents(struct rt_context *context, int self)
{
	char lines[MOUNTINFO_MAX];
	struct statfs fs;
	RT_CLEANUP_FD int root = rt_open_how(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0, 0);
	int status = root < 0 ? root : (int)rt_sys(fstatfs, root, &fs);
	if (status < 0 || fs.f_type != TMPFS_MAGIC || fs.f_ffree != 0)
		return rt_fail(context, "fstatfs", status < 0 ? status : -ESTALE);
	RT_CLEANUP_FD int table = rt_open_how(self, "mountinfo", O_RDONLY, 0, RESOLVE_BENEATH);
	if (table < 0)
		return rt_fail(context, "openat2", table);
	long size = rt_sys(read, table, lines, sizeof(lines));
	long first = 0;
	while (first < size && lines[first] != '\n')
		first++;
	if (size <= 0 || size == sizeof(lines) || first != size - 1)
		return rt_fail(context, "read", size < 0 ? size : -ESTALE);
	return 0;
}

int rt_enter_mount_namespace(struct rt_context *context, const struct rt_op_enter_mount_namespace *op)
{
	struct statx st;
	RT_CLEANUP_FD int directory = open_directory(context, op->directory.data, &st);
	if (directory < 0)
		return directory;
	RT_CLEANUP_FD int pinned = open_pinned(context, directory);
	if (pinned < 0)
		return pinned;
	rt_close(&context->self);
	context->self = rt_open_how(AT_FDCWD, "/proc/self", O_PATH | O_DIRECTORY, 0, 0);
	if (context->self < 0)
		return rt_fail(context, "openat2", context->self);
	clone_null_device(context);
	long status = rt_sys(setns, pinned, CLONE_NEWNS);
	if (status < 0)
		return rt_fail(context, "setns", status);
	return check_contents(context, context->self);
}

/* Whether a mount of namespaces is in the lines of mountinfo, which come in pieces: `at` is how much of its type was at the
 * end of the last one. Spaces in other fields are escaped. */
static bool find_type(const char *lines, long size, size_t *at)
{
	static const char type[] = " - nsfs ";
	for (long i = 0; i < size; i++) {
		*at = lines[i] == type[*at] ? *at + 1 : lines[i] == type[0];
		if (type[*at] == '\0')
			return true;
	}
	return false;
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
		if (find_type(lines, size, &at))
			return rt_fail(context, "read", -ELOOP);
	}
}
