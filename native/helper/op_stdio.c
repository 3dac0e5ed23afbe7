/* Standard streams: the program can reopen them, and none is a device node shared with the host. */
#include "context.h"
#include "sys.h"

#include <asm/ioctls.h>
#include <linux/memfd.h>
#include <linux/prctl.h>

enum { MEM_MAJOR = 1, NULL_MINOR = 3, TTY_ALIAS_MAJOR = 5, NULL_MODE = 0666 };

static bool is_null(int fd)
{
	struct statx st;
	return rt_statx(fd, &st) == 0 && rt_is_device(&st, S_IFCHR, MEM_MAJOR, NULL_MINOR);
}

static int open_null_of_container(void)
{
	RT_CLEANUP_FD int fd =
		rt_open_how(AT_FDCWD, "/dev/null", O_PATH | O_NOFOLLOW, 0, RESOLVE_NO_SYMLINKS);
	if (fd < 0 || !is_null(fd))
		return -ENODEV;
	/* Reopened by name and checked again: no other process runs in this root yet, but a shared volume may
	 * change. */
	RT_CLEANUP_FD int null =
		rt_open_how(AT_FDCWD, "/dev/null", O_RDWR | O_NOFOLLOW | O_NONBLOCK, 0, RESOLVE_NO_SYMLINKS);
	return null >= 0 && is_null(null) ? rt_steal_fd(&null) : -ENODEV;
}

/* Creates a null device in a private tmpfs, which is freed with its last descriptor. Not possible in a user
 * namespace. */
static int make_null(void)
{
	RT_CLEANUP_FD int filesystem = (int)rt_sys(fsopen, "tmpfs", FSOPEN_CLOEXEC);
	if (filesystem < 0 || rt_sys(fsconfig, filesystem, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -ENODEV;
	RT_CLEANUP_FD int mount =
		(int)rt_sys(fsmount, filesystem, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
	if (mount < 0)
		return -ENODEV;
	/* fchmod below, because the umask is already the container's. */
	long status = rt_sys(mknodat, mount, "null", S_IFCHR | NULL_MODE, MEM_MAJOR << 8 | NULL_MINOR);
	RT_CLEANUP_FD int null =
		status < 0 ? -1 : rt_open_how(mount, "null", O_RDWR | O_NOFOLLOW, 0, RESOLVE_BENEATH);
	if (null < 0 || !is_null(null) || rt_sys(fchmod, null, NULL_MODE) < 0)
		return -ENODEV;
	return rt_steal_fd(&null);
}

/* Whether nobody in this user namespace can change a node because its owner is not mapped. statx(2) shows the
 * overflow uid then, which may also be a mapped one. Tests by setting the current owner. */
static bool is_out_of_reach(int node, const struct statx *st)
{
	long status = rt_sys(fchown, node, st->stx_uid, (uint32_t)-1);
	return status == -EPERM || status == -EINVAL;
}

/* Whether the owner of `fd` may be changed. A read-only descriptor may refer to a host file, which its new
 * owner could write; users in other user namespaces get no regular files. A device node is shared by the
 * whole host; only a terminal has a single user, unless it was opened through an alias such as /dev/tty. */
static bool can_be_given(int fd, const struct statx *st, bool other_namespace)
{
	char attributes[64]; /* struct termios */
	switch (st->stx_mode & S_IFMT) {
	case S_IFIFO:
	case S_IFSOCK:
		return true;
	case S_IFREG:
		return !other_namespace && (rt_sys(fcntl, fd, F_GETFL, 0) & O_ACCMODE) != O_RDONLY;
	case S_IFCHR:
		return st->stx_rdev_major != TTY_ALIAS_MAJOR && rt_sys(ioctl, fd, TCGETS, attributes) >= 0;
	default:
		return false;
	}
}

/* Finds the host uid of a user in a user namespace, from the owner of a file made by that user. The child
 * shares only the descriptor table. -ESRCH: the namespace cannot be entered, or the user is not mapped. */
static int find_host_uid(int user_namespace, uint32_t uid, uint32_t *host)
{
	RT_CLEANUP_FD int place = (int)rt_sys(fcntl, user_namespace, F_DUPFD_CLOEXEC, 0);
	if (place < 0)
		return place;
	struct clone_args clone = {.flags = CLONE_FILES, .exit_signal = SIGCHLD};
	long pid = rt_sys(clone3, &clone, sizeof(clone));
	if (pid < 0)
		return (int)pid;
	if (pid == 0) {
		long status = rt_sys(prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
		if (status < 0)
			rt_leave(1);
		status = rt_sys(setns, user_namespace, CLONE_NEWUSER);
		if (status >= 0)
			status = rt_sys(setresuid, uid, uid, uid);
		if (status >= 0)
			status = rt_sys(memfd_create, "owner", MFD_CLOEXEC);
		if (status >= 0)
			status = rt_sys(dup3, status, place, O_CLOEXEC);
		rt_leave(status < 0);
	}
	int raw = 0;
	long ended;
	while ((ended = rt_sys(wait4, pid, &raw, 0, NULL)) == -EINTR)
		;
	struct statx st;
	int status = ended < 0 ? (int)ended : raw != 0 ? -ESRCH : rt_statx(place, &st);
	if (status == 0)
		*host = st.stx_uid;
	return status;
}

int rt_stdio_owner(struct rt_context *context, const struct rt_op_stdio_owner *op)
{
	RT_CLEANUP_FD int null = -1;
	uint32_t owner = op->uid;
	if (op->user != 0) {
		int status = find_host_uid(context->slots[op->user], op->uid, &owner);
		/* The op that later enters the namespace or sets the user reports the reason. */
		if (status == -ESRCH)
			return 0;
		if (status < 0)
			return rt_fail(context, "clone3", status);
	}
	for (int fd = 0; fd <= 2; fd++) {
		struct statx st;
		int known = rt_statx(fd, &st);
		if (known == -EBADF)
			continue; /* closed by the caller: stays closed */
		if (known < 0)
			return rt_fail(context, "statx", known);
		if (op->null != 0 && rt_is_device(&st, S_IFCHR, MEM_MAJOR, NULL_MINOR)) {
			if (null < 0)
				null = open_null_of_container();
			if (null < 0)
				null = make_null();
			if (null < 0 && is_out_of_reach(fd, &st))
				continue;
			if (null < 0)
				return rt_fail(context, "openat2", null);
			long status = rt_sys(dup3, null, fd, 0);
			if (status < 0)
				return rt_fail(context, "dup3", status);
			continue;
		}
		if (st.stx_uid == owner || !can_be_given(fd, &st, op->null == 0))
			continue;
		long status = rt_sys(fchown, fd, owner, (uint32_t)-1);
		/* Pipes from other user namespaces, sockets and read-only files keep their owner. */
		if (status < 0 && status != -EINVAL && status != -EPERM && status != -EROFS)
			return rt_fail(context, "fchown", status);
	}
	return 0;
}
