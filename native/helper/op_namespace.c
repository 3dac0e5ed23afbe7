/* Namespaces and their contents: names, loopback, keyring, kernel parameters. */
#include "context.h"
#include "decimal.h"
#include "procfs.h"
#include "sys.h"

#include <linux/if.h>
#include <linux/in.h>
#include <linux/keyctl.h>
#include <linux/nsfs.h>
#include <linux/sockios.h>

enum { SOCK_DGRAM_CLOEXEC = 2 | O_CLOEXEC, AF_INET_FAMILY = 2 };

int rt_unshare(struct rt_context *context, const struct rt_op_unshare *op)
{
	long status = rt_sys(unshare, op->flags);
	return status < 0 ? rt_fail(context, "unshare", status) : 0;
}

static bool is_same(int a, int b)
{
	struct statx first, second;
	return rt_statx(a, &first) == 0 && rt_statx(b, &second) == 0 && first.stx_ino == second.stx_ino &&
	       first.stx_dev_minor == second.stx_dev_minor;
}

static const char *own_file(uint32_t type)
{
	switch (type) {
	case CLONE_NEWNS:
		return "/proc/self/ns/mnt";
	case CLONE_NEWCGROUP:
		return "/proc/self/ns/cgroup";
	case CLONE_NEWUTS:
		return "/proc/self/ns/uts";
	case CLONE_NEWIPC:
		return "/proc/self/ns/ipc";
	case CLONE_NEWUSER:
		return "/proc/self/ns/user";
	case CLONE_NEWPID:
		return "/proc/self/ns/pid";
	case CLONE_NEWNET:
		return "/proc/self/ns/net";
	default:
		return "/proc/self/ns/time";
	}
}

/* Whether `target` is this process's own namespace: 1, 0 or a negative errno. Call before any is joined:
 * later, /proc may be a container's and the namespace not the runtime's. */
static int is_own(struct rt_context *context, int target, uint32_t type)
{
	struct statx st, other;
	RT_CLEANUP_FD int own = rt_open_how(AT_FDCWD, own_file(type), O_RDONLY, 0, 0);
	if (own < 0)
		return rt_fail(context, "openat2", own);
	int status = rt_statx(own, &st);
	if (status == 0)
		status = rt_statx(target, &other);
	if (status != 0)
		return rt_fail(context, "statx", status);
	return st.stx_ino == other.stx_ino && st.stx_dev_minor == other.stx_dev_minor;
}

int rt_namespace_open(struct rt_context *context, const struct rt_op_namespace_open *op)
{
	RT_CLEANUP_FD int fd = rt_open_how(AT_FDCWD, op->path.data, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, 0);
	if (fd < 0)
		return rt_fail(context, "openat2", fd);
	long type = rt_sys(ioctl, fd, NS_GET_NSTYPE, 0);
	if (type != (long)op->type)
		return rt_fail(context, "ioctl", type < 0 ? type : -EINVAL);
	rt_close(&context->slots[op->slot]);
	if (op->need.length > 0 || type == CLONE_NEWPID) {
		int own = is_own(context, fd, op->type);
		if (own < 0)
			return own;
		if (own && op->need.length > 0)
			return rt_fail(context, "setns", -EEXIST);
		if (own) {
			context->entered |= op->type;
			return 0;
		}
	}
	context->slots[op->slot] = rt_steal_fd(&fd);
	return 0;
}

/* Whether a namespace is owned by a user namespace (ioctl_ns(2)); false if its owner is not visible. */
static bool belongs_to(int target, int user)
{
	RT_CLEANUP_FD int owner = (int)rt_sys(ioctl, target, NS_GET_USERNS, 0);
	return owner >= 0 && is_same(owner, user);
}

int rt_namespace_join(struct rt_context *context, const struct rt_op_namespace_join *op)
{
	int target = context->slots[op->slot];
	/* Nothing is left out because a slot is empty. */
	if (target < 0)
		return context->entered & op->type ? 0 : rt_fail(context, "setns", -EBADF);
	if (op->type == CLONE_NEWPID && context->pid_joined)
		return 0;
	if (op->user != 0 && belongs_to(target, context->slots[op->user]))
		return 0;
	/* Processes privileged in the namespace must not access this one, which has more privileges. */
	int hidden = rt_hide(context);
	if (hidden < 0)
		return hidden;
	long status = rt_sys(setns, target, op->type);
	if (!op->keep)
		rt_close(&context->slots[op->slot]);
	if (status < 0)
		return rt_fail(context, "setns", status);
	/* The change of credentials has reset the dumpable attribute to fs.suid_dumpable (prctl(2)). */
	if (op->type == CLONE_NEWUSER && (hidden = rt_hide(context)) < 0)
		return hidden;
	context->entered |= op->type;
	context->pid_joined = context->pid_joined || op->type == CLONE_NEWPID;
	return 0;
}

int rt_open_time_offsets(struct rt_context *context, const struct rt_op_open_time_offsets *op)
{
	int fd = rt_open_own_file("/proc/self/timens_offsets");
	if (fd < 0)
		return rt_fail(context, "openat2", fd);
	rt_close(&context->slots[op->slot]);
	context->slots[op->slot] = fd;
	return 0;
}

int rt_time_namespace(struct rt_context *context, const struct rt_op_time_namespace *op)
{
	RT_CLEANUP_FD int file = -1;
	long status = rt_sys(unshare, CLONE_NEWTIME);
	if (status < 0)
		return rt_fail(context, "unshare", status);
	if (op->offsets.length > 0) {
		file = op->slot != 0 ? rt_steal_fd(&context->slots[op->slot])
				     : rt_open_own_file("/proc/self/timens_offsets");
		if (file < 0)
			return rt_fail(context, "openat2", file);
		status = rt_sys(write, file, op->offsets.data, op->offsets.length);
		if (status < 0)
			return rt_fail(context, "write", status);
	}
	/* unshare(2) affects children only. Since Linux 6.3 execve(2) also switches the time namespace, but
	 * init must use the container's clocks on older kernels, too. */
	RT_CLEANUP_FD int target = rt_open_how(AT_FDCWD, "/proc/self/ns/time_for_children", O_RDONLY, 0, 0);
	if (target < 0)
		return rt_fail(context, "openat2", target);
	status = rt_sys(setns, target, CLONE_NEWTIME);
	return status < 0 ? rt_fail(context, "setns", status) : 0;
}

/* Encoded like st_dev of stat(2). */
static uint64_t device_number(const struct statx *st)
{
	uint64_t major = st->stx_dev_major, minor = st->stx_dev_minor;
	return (minor & 0xff) | (major & 0xfff) << 8 | (minor & ~0xffull) << 12 | (major & ~0xfffull) << 32;
}

/* Device and inode identify a namespace while it exists (ioctl_ns(2)); the numbers may then be reused. */
static bool is_named(int target, uint64_t device, uint64_t inode)
{
	struct statx st;
	return rt_statx(target, &st) == 0 && st.stx_ino == inode && device_number(&st) == device;
}

/* Opens a /proc file of the container's init by pid; the pidfd afterwards proves that the pid was not reused. */
static int open_of_init(struct rt_context *context, const char *path, uint64_t flags)
{
	RT_CLEANUP_FD int fd = rt_open_how(AT_FDCWD, path, flags, 0, 0);
	if (fd < 0)
		return rt_fail(context, "openat2", fd);
	/* EPERM also proves that the process exists. */
	if (rt_sys(pidfd_send_signal, context->listener, 0, NULL, 0) == -ESRCH)
		return rt_fail(context, "pidfd_send_signal", -ESRCH);
	return rt_steal_fd(&fd);
}

int rt_open_process_root(struct rt_context *context, const struct rt_op_open_process_root *op)
{
	int root = open_of_init(context, op->path.data, O_PATH | O_DIRECTORY);
	if (root < 0)
		return root;
	rt_close(&context->slots[0]);
	context->slots[0] = root;
	return 0;
}

int rt_container_user_namespace(struct rt_context *context, const struct rt_op_container_user_namespace *op)
{
	RT_CLEANUP_FD int at = open_of_init(context, op->path.data, O_RDONLY);
	if (at < 0)
		return at;
	/* setns(2) enters only descendants, so the user namespace recorded at create is init's current one or
	 * an ancestor. It cannot end before init does, so a match on the way up cannot be a newer namespace
	 * with the same numbers. */
	for (;;) {
		RT_CLEANUP_FD int parent = (int)rt_sys(ioctl, at, NS_GET_PARENT, 0);
		if (op->child ? parent >= 0 && is_named(parent, op->device, op->inode)
			      : is_named(at, op->device, op->inode))
			break;
		if (parent < 0)
			return rt_fail(context, "ioctl", parent == -EPERM ? -ESTALE : parent);
		rt_close(&at);
		at = rt_steal_fd(&parent);
	}
	rt_close(&context->slots[op->slot]);
	context->slots[op->slot] = rt_steal_fd(&at);
	return 0;
}

/* Checks that the joined mount namespace still belongs to the same user namespace as at create. `self` is
 * this process in the host's procfs. */
static int check_owner(int self, const struct rt_op_join_process *op, int user)
{
	RT_CLEANUP_FD int mounts = rt_open_how(self, "ns/mnt", O_RDONLY, 0, 0);
	if (mounts < 0)
		return mounts;
	RT_CLEANUP_FD int owner = (int)rt_sys(ioctl, mounts, NS_GET_USERNS, 0);
	if (owner < 0)
		return owner == -EPERM ? -ESTALE : owner;
	bool same = op->owner_inode == 0 ? is_same(owner, user)
					 : is_named(owner, op->owner_device, op->owner_inode);
	return same ? 0 : -ESTALE;
}

int rt_join_process(struct rt_context *context, const struct rt_op_join_process *op)
{
	int user = op->user == 0 ? -1 : context->slots[op->user];
	/* If neither is set, the kernel has no user namespaces. */
	bool owned = op->user != 0 || op->owner_inode != 0;
	if (owned && op->flags & CLONE_NEWNS) {
		rt_close(&context->self);
		context->self = rt_open_how(AT_FDCWD, "/proc/self", O_PATH | O_DIRECTORY, 0, 0);
		if (context->self < 0)
			return rt_fail(context, "openat2", context->self);
	}
	/* Uses the runtime's privileges first, since namespaces may belong to different user namespaces. An
	 * unprivileged runtime has privileges only in the container's user namespace. */
	bool inside = user < 0;
	long status = op->flags == 0 ? 0 : rt_sys(setns, context->listener, op->flags);
	if (status == -EPERM && !inside) {
		status = rt_sys(setns, user, CLONE_NEWUSER);
		inside = true;
		if (status >= 0)
			status = rt_sys(setns, context->listener, op->flags);
	}
	rt_close(&context->listener);
	if (status >= 0 && context->self >= 0) {
		int checked = check_owner(context->self, op, user);
		if (checked < 0)
			return rt_fail(context, "ioctl", checked);
	}
	if (status >= 0 && !inside)
		status = rt_sys(setns, user, CLONE_NEWUSER);
	if (op->user != 0)
		rt_close(&context->slots[op->user]);
	return status < 0 ? rt_fail(context, "setns", status) : 0;
}

/* The permissions are the fourth field of `type;uid;gid;perm;description`, in hexadecimal (keyctl(2)). */
static bool parse_permissions(const char *text, uint32_t *permissions)
{
	unsigned separators = 0;
	*permissions = 0;
	for (; *text != '\0' && separators < 4; text++) {
		if (*text == ';')
			separators++;
		else if (separators == 3 && *text >= '0' && *text <= '9')
			*permissions = *permissions << 4 | (uint32_t)(*text - '0');
		else if (separators == 3 && *text >= 'a' && *text <= 'f')
			*permissions = *permissions << 4 | (uint32_t)(*text - 'a' + 10);
	}
	return separators == 4;
}

int rt_session_keyring(struct rt_context *context, const struct rt_op_session_keyring *op)
{
	char description[512];
	uint32_t permissions;
	long key = rt_sys(keyctl, KEYCTL_JOIN_SESSION_KEYRING, op->name.data);
	if (key == -ENOSYS)
		return 0; /* a kernel without keys has no session keyring */
	if (key < 0)
		return rt_fail(context, "keyctl", key);
	long size = rt_sys(keyctl, KEYCTL_DESCRIBE, key, description, sizeof(description) - 1);
	if (size < 0)
		return rt_fail(context, "keyctl", size);
	description[sizeof(description) - 1] = '\0';
	if (!parse_permissions(description, &permissions))
		return rt_fail(context, "keyctl", -EINVAL);
	/* Only the owner may change permissions; a further process of the container usually need not. */
	if ((permissions & op->permission) == op->permission)
		return 0;
	long status = rt_sys(keyctl, KEYCTL_SETPERM, key, permissions | op->permission);
	return status < 0 ? rt_fail(context, "keyctl", status) : 0;
}

int rt_loopback_up(struct rt_context *context)
{
	struct ifreq request = {.ifr_name = "lo"};
	RT_CLEANUP_FD int fd = (int)rt_sys(socket, AF_INET_FAMILY, SOCK_DGRAM_CLOEXEC, 0);
	if (fd < 0)
		return rt_fail(context, "socket", fd);
	request.ifr_flags = IFF_UP | IFF_RUNNING;
	long status = rt_sys(ioctl, fd, SIOCSIFFLAGS, &request);
	return status < 0 ? rt_fail(context, "ioctl", status) : 0;
}

int rt_set_hostname(struct rt_context *context, const struct rt_op_set_hostname *op)
{
	long status = rt_sys(sethostname, op->name.data, op->name.length);
	return status < 0 ? rt_fail(context, "sethostname", status) : 0;
}

int rt_set_domainname(struct rt_context *context, const struct rt_op_set_domainname *op)
{
	long status = rt_sys(setdomainname, op->name.data, op->name.length);
	return status < 0 ? rt_fail(context, "setdomainname", status) : 0;
}

int rt_open_procfs(struct rt_context *context, bool whole)
{
	if (context->procfs >= 0 && context->procfs_whole == whole)
		return 0;
	rt_close(&context->procfs);
	RT_CLEANUP_FD int filesystem = (int)rt_sys(fsopen, "proc", FSOPEN_CLOEXEC);
	if (filesystem < 0)
		return rt_fail(context, "fsopen", filesystem);
	long status = whole ? 0 : rt_sys(fsconfig, filesystem, FSCONFIG_SET_STRING, "subset", "pid", 0);
	if (status >= 0)
		status = rt_sys(fsconfig, filesystem, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	if (status < 0)
		return rt_fail(context, "fsconfig", status);
	status = rt_sys(fsmount, filesystem, FSMOUNT_CLOEXEC,
		MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	if (status < 0)
		return rt_fail(context, "fsmount", status);
	context->procfs = (int)status;
	context->procfs_whole = whole;
	return 0;
}

/* The runtime's /proc, while it is still reachable. */
static int open_host_procfs(struct rt_context *context)
{
	const char *call;
	if (context->procfs >= 0)
		return 0;
	context->procfs = rt_open_mounted_procfs(&call);
	context->procfs_whole = true;
	return context->procfs < 0 ? rt_fail(context, call, context->procfs) : 0;
}

int rt_open_any_procfs(struct rt_context *context)
{
	if (context->procfs >= 0)
		return 0;
	int status = rt_open_procfs(context, false);
	/* Creating one requires ownership of the pid namespace. */
	return status == -EPERM ? open_host_procfs(context) : status;
}

int rt_open_descriptors(struct rt_context *context)
{
	static const uint64_t inside = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
	int status = context->self < 0 ? rt_open_any_procfs(context) : 0;
	if (status < 0)
		return status;
	int fd = context->self >= 0
			 ? rt_open_how(context->self, "fd", O_PATH | O_DIRECTORY, 0, inside)
			 : rt_open_how(context->procfs, "self/fd", O_PATH | O_DIRECTORY, 0, inside);
	return fd < 0 ? rt_fail(context, "openat2", fd) : fd;
}

int rt_open_again(int descriptors, int fd, uint64_t flags)
{
	char digits[RT_DECIMAL_SIZE];
	return rt_open_how(descriptors, rt_decimal(digits, (uint32_t)fd), flags, 0, 0);
}

int rt_sysctl(struct rt_context *context, const struct rt_op_sysctl *op)
{
	int status = op->host ? open_host_procfs(context) : rt_open_procfs(context, true);
	if (status < 0)
		return status;
	RT_CLEANUP_FD int fd = rt_open_how(context->procfs, op->path.data, O_WRONLY | O_NOFOLLOW, 0,
		RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS);
	if (fd < 0)
		return rt_fail(context, "openat2", fd);
	long written = rt_sys(write, fd, op->value.data, op->value.length);
	return written < 0 ? rt_fail(context, "write", written) : 0;
}
