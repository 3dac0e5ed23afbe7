/* The container's terminal. Everything in the container may be hostile: /dev/pts is used only if the kernel
 * confirms that it is devpts, and the slave is obtained from its master. */
#include "context.h"
#include "descriptor.h"
#include "record.h"
#include "sys.h"

#include <asm/ioctls.h>
#include <asm/termios.h>
#include <linux/magic.h>

/* Numbers from Documentation/admin-guide/devices.txt: slaves use the eight majors from 136. */
enum { PTMX_MAJOR = 5, PTMX_MINOR = 2, SLAVE_MAJOR = 136, SLAVE_MAJORS = 8 };

static int open_master(struct rt_context *context)
{
	RT_CLEANUP_FD int directory = rt_open_how(context->slots[0], "dev/pts", O_PATH | O_DIRECTORY, 0,
		RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
	if (directory < 0)
		return rt_fail(context, "openat2", directory);
	struct statfs fs;
	long status = rt_sys(fstatfs, directory, &fs);
	if (status < 0)
		return rt_fail(context, "fstatfs", status);
	if (fs.f_type != DEVPTS_SUPER_MAGIC)
		return rt_fail(context, "fstatfs", -EMEDIUMTYPE);
	/* devpts contains only its own nodes, and NO_XDEV excludes mounts on them: this is ptmx. */
	RT_CLEANUP_FD int master = rt_open_how(directory, "ptmx", O_RDWR | O_NOCTTY | O_NOFOLLOW, 0,
		RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
	if (master < 0)
		return rt_fail(context, "openat2", master);
	struct statx st;
	status = rt_statx(master, &st);
	if (status < 0)
		return rt_fail(context, "statx", status);
	if (!rt_is_device(&st, S_IFCHR, PTMX_MAJOR, PTMX_MINOR))
		return rt_fail(context, "statx", -EMEDIUMTYPE);
	return rt_steal_fd(&master);
}

static int open_slave(struct rt_context *context, int master)
{
	int locked = 0;
	long status = rt_sys(ioctl, master, TIOCSPTLCK, &locked);
	if (status < 0)
		return rt_fail(context, "ioctl", status);
	RT_CLEANUP_FD int slave = (int)rt_sys(ioctl, master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return rt_fail(context, "ioctl", slave);
	struct statx st;
	status = rt_statx(slave, &st);
	if (status < 0)
		return rt_fail(context, "statx", status);
	if ((st.stx_mode & S_IFMT) != S_IFCHR || st.stx_rdev_major < SLAVE_MAJOR ||
		st.stx_rdev_major >= SLAVE_MAJOR + SLAVE_MAJORS)
		return rt_fail(context, "statx", -ENOTTY);
	return rt_steal_fd(&slave);
}

int rt_terminal(struct rt_context *context, const struct rt_op_terminal *op)
{
	RT_CLEANUP_FD int master = open_master(context);
	if (master < 0)
		return master;
	RT_CLEANUP_FD int slave = open_slave(context, master);
	if (slave < 0)
		return slave;
	if (op->width > 0 && op->height > 0) {
		struct winsize size = {.ws_row = (uint16_t)op->height, .ws_col = (uint16_t)op->width};
		long status = rt_sys(ioctl, master, TIOCSWINSZ, &size);
		if (status < 0)
			return rt_fail(context, "ioctl", status);
	}
	struct rt_record_header record = {.kind = RT_RECORD_TERMINAL};
	long status = rt_send_descriptor(context->control, &record, sizeof(record), master);
	if (status < 0)
		return rt_fail(context, "sendmsg", status);
	status = rt_await_go_ahead(context->control, RT_WAIT_TERMINAL);
	if (status < 0)
		return rt_fail(context, "read", status);
	for (int fd = 0; fd <= 2; fd++) {
		status = rt_sys(dup3, slave, fd, 0);
		if (status < 0)
			return rt_fail(context, "dup3", status);
	}
	/* The session was created when the helper started. */
	status = op->controlling ? rt_sys(ioctl, 0, TIOCSCTTY, 0) : 0;
	return status < 0 ? rt_fail(context, "ioctl", status) : 0;
}

int rt_console(struct rt_context *context, const struct rt_op_console *op)
{
	const char *name;
	RT_CLEANUP_FD int parent =
		rt_resolve_parent(context, op->path.data, RT_MISSING_DIRECTORY, false, &name);
	if (parent < 0)
		return parent;
	int made =
		(int)rt_sys(openat, parent, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, 0666);
	if (made < 0 && made != -EEXIST)
		return rt_fail(context, "openat", made);
	rt_close(&made);
	RT_CLEANUP_FD int target = rt_open_how(parent, name, O_PATH | O_NOFOLLOW, 0, RESOLVE_BENEATH);
	if (target < 0)
		return rt_fail(context, "openat2", target);
	struct statx st;
	long status = rt_statx(target, &st);
	if (status < 0)
		return rt_fail(context, "statx", status);
	uint32_t type = st.stx_mode & S_IFMT;
	if (type == S_IFDIR || type == S_IFLNK)
		return rt_fail(context, "openat2", type == S_IFDIR ? -EISDIR : -ELOOP);
	RT_CLEANUP_FD int mount =
		(int)rt_sys(open_tree, 0, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	if (mount < 0)
		return rt_fail(context, "open_tree", mount);
	status = rt_sys(move_mount, mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
	return status < 0 ? rt_fail(context, "move_mount", status) : 0;
}
