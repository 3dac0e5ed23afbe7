/* New filesystems: created with fsopen(2), configured, then attached. */
#include "mount.h"
#include "sys.h"

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

/* Passes on the mode of an existing directory, so that a tmpfs on it is no more permissive. */
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

/* Reads the filesystem's own error message from its context (fsopen(2)). */
static void read_reason(struct rt_context *context, int filesystem)
{
	long size = rt_sys(read, filesystem, context->detail, sizeof(context->detail));
	context->detail_length = size > 0 ? (uint32_t)size : 0;
}

/* Creates the context in a child, which is in the joined pid namespace and shares the descriptor table. */
static int open_procfs_in_child(struct rt_context *context)
{
	RT_CLEANUP_FD int place = (int)rt_sys(fcntl, context->slots[0], F_DUPFD_CLOEXEC, 0);
	if (place < 0)
		return place;
	struct clone_args clone = {.flags = CLONE_FILES, .exit_signal = SIGCHLD};
	long pid = rt_sys(clone3, &clone, sizeof(clone));
	if (pid == 0) {
		long status = rt_sys(fsopen, "proc", FSOPEN_CLOEXEC);
		if (status >= 0)
			status = rt_sys(dup3, status, place, O_CLOEXEC) < 0 ? -EBADF : 0;
		rt_leave((int)-status);
	}
	int raw = 0;
	long ended = pid;
	while (pid > 0 && (ended = rt_sys(wait4, pid, &raw, 0, NULL)) == -EINTR)
		;
	if (ended < 0 || raw != 0)
		return ended < 0 ? (int)ended : (raw & 0x7f) != 0 ? -EIO : -(raw >> 8);
	return rt_steal_fd(&place);
}

/* Linux 6.18 accepts the pid namespace as an option; earlier, a procfs shows its creator's. */
static int open_procfs_of(struct rt_context *context, int pid_namespace)
{
	RT_CLEANUP_FD int filesystem = (int)rt_sys(fsopen, "proc", FSOPEN_CLOEXEC);
	if (filesystem < 0)
		return filesystem;
	long status = rt_sys(fsconfig, filesystem, FSCONFIG_SET_FD, "pidns", NULL, pid_namespace);
	return status < 0 ? open_procfs_in_child(context) : rt_steal_fd(&filesystem);
}

struct description {
	const char *type, *source;
	struct rt_strs options;
	uint64_t attributes;
	int target; /* passes on its mode, unless negative */
};

/* Makes a detached mount of the filesystem in the new context `filesystem`, a descriptor or a negative errno. */
static int create(struct rt_context *context, int filesystem, const struct description *of)
{
	struct rt_strs options = of->options;
	if (filesystem < 0)
		return rt_fail(context, "fsopen", filesystem);
	int status = (int)rt_sys(fsconfig, filesystem, FSCONFIG_SET_STRING, "source", of->source, 0);
	if (status < 0)
		status = rt_fail(context, "fsconfig", status);
	if (status == 0 && of->target >= 0)
		status = inherit_mode(context, filesystem, of->target);
	while (status == 0 && options.count > 0)
		status = configure(context, filesystem, rt_next_str(&options));
	if (status == 0) {
		status = (int)rt_sys(fsconfig, filesystem, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
		if (status < 0)
			status = rt_fail(context, "fsconfig", status);
	}
	if (status == 0) {
		status = (int)rt_sys(fsmount, filesystem, FSMOUNT_CLOEXEC, of->attributes);
		if (status < 0)
			status = rt_fail(context, "fsmount", status);
	}
	if (status < 0)
		read_reason(context, filesystem);
	return status;
}

int rt_open_filesystem(struct rt_context *context, const struct rt_op_open_filesystem *op)
{
	const struct description of = {op->type.data, op->source.data, op->options, op->attributes, -1};
	RT_CLEANUP_FD int filesystem = (int)rt_sys(fsopen, of.type, FSOPEN_CLOEXEC);
	RT_CLEANUP_FD int mount = create(context, filesystem, &of);
	if (mount < 0)
		return mount;
	rt_keep(context, op->slot, &mount);
	return 0;
}

static int create_filesystem(
	struct rt_context *context, const struct rt_op_mount_filesystem *op, uint32_t flags, int target)
{
	if (op->tree != 0)
		return rt_steal_fd(&context->slots[op->tree]);
	const struct description of = {op->type.data, op->source.data, op->options, op->attributes,
		flags & RT_MOUNT_FILESYSTEM_INHERIT_MODE ? target : -1};
	RT_CLEANUP_FD int filesystem = op->pid_namespace != 0 && context->slots[op->pid_namespace] >= 0
					       ? open_procfs_of(context, context->slots[op->pid_namespace])
					       : (int)rt_sys(fsopen, of.type, FSOPEN_CLOEXEC);
	return create(context, filesystem, &of);
}

int rt_mount_filesystem(struct rt_context *context, const struct rt_op_mount_filesystem *op)
{
	uint32_t flags = op->flags;
	bool plain = flags & RT_MOUNT_FILESYSTEM_PLAIN_DIRECTORY;
	RT_CLEANUP_FD int target =
		rt_resolve(context, op->destination.data, RT_MISSING_DIRECTORY, 0755, plain);
	if (target < 0)
		return target;
	if (context->made)
		flags &= ~(uint32_t)RT_MOUNT_FILESYSTEM_INHERIT_MODE;
	struct statx st;
	int status = rt_statx(target, &st);
	if (status < 0)
		return rt_fail(context, "statx", status);
	if ((st.stx_mode & S_IFMT) != S_IFDIR)
		return rt_fail(context, "openat2", -ENOTDIR);
	if (!(flags & RT_MOUNT_FILESYSTEM_MAY_COVER_PROC) && (status = rt_check_place(context, target)) < 0)
		return status;
	RT_CLEANUP_FD int mount = -1;
	const uint32_t of_place = RT_MOUNT_FILESYSTEM_PLAIN_DIRECTORY | RT_MOUNT_FILESYSTEM_MAY_COVER_PROC;
	bool simple = (flags & ~of_place) == 0 && op->pid_namespace == 0 && op->tree == 0;
	if (simple && rt_has_long_option(op->options)) {
		mount = rt_mount_with_long_options(context, op, target, plain);
		if (mount < 0)
			return mount;
		rt_keep(context, op->slot, &mount);
		return 0;
	}
	mount = create_filesystem(context, op, flags, target);
	if (mount < 0)
		return mount;
	if (flags & RT_MOUNT_FILESYSTEM_COPY_UP && (status = rt_copy_tree(context, target, mount)) < 0)
		return status;
	if (flags & RT_MOUNT_FILESYSTEM_INHERIT_OWNER) {
		/* An owner not mapped in the user namespace cannot be set. */
		status = (int)rt_sys(fchownat, mount, "", st.stx_uid, st.stx_gid, AT_EMPTY_PATH);
		if (status < 0 && status != -EINVAL && status != -EPERM)
			return rt_fail(context, "fchownat", status);
	}
	status = rt_attach(context, mount, target);
	if (status == 0)
		rt_keep(context, op->slot, &mount);
	return status;
}
