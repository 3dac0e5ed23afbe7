/* Masked and read-only paths, applied after all other mounts. */
#include "mount.h"
#include "sys.h"

static int clone_mount(struct rt_context *context, int from, uint64_t attributes)
{
	RT_CLEANUP_FD int mount =
		(int)rt_sys(open_tree, from, "", OPEN_TREE_CLONE | O_CLOEXEC | AT_EMPTY_PATH);
	if (mount < 0)
		return rt_fail(context, "open_tree", mount);
	int status = rt_set_mount(mount, attributes, 0, MS_PRIVATE, false);
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

int rt_make_empty(struct rt_context *context, const char *source, const char *inodes, const char *mode)
{
	RT_CLEANUP_FD int filesystem = (int)rt_sys(fsopen, "tmpfs", FSOPEN_CLOEXEC);
	if (filesystem < 0)
		return rt_fail(context, "fsopen", filesystem);
	const char *const options[][2] = {
		{"source", source}, {"nr_blocks", "1"}, {"nr_inodes", inodes}, {"mode", mode}};
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

static int mask_of_file(struct rt_context *context)
{
	if (context->null_detached) {
		context->null_detached = false;
		return rt_steal_fd(&context->null_device);
	}
	int status = open_null_device(context);
	return status < 0 ? status : clone_mount(context, context->null_device, RT_NODE_ATTRIBUTES);
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
		mount = mask_of_file(context);
	} else if (context->empty_directory < 0) {
		/* One for all masked directories: hundreds of superblocks are slow to create and destroy. */
		mount = rt_make_empty(context, "tmpfs", "2", "755");
	} else {
		mount = clone_mount(context, context->empty_directory, 0);
	}
	if (mount < 0)
		return mount;
	status = rt_attach(context, mount, target);
	/* Before Linux 6.15 only an attached mount can be cloned, so the first one serves the others. */
	if (status == 0 && directory && context->empty_directory < 0)
		context->empty_directory = rt_steal_fd(&mount);
	if (status == 0 && !directory && context->null_device < 0)
		context->null_device = rt_steal_fd(&mount);
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
	int status = rt_set_mount(mount, MOUNT_ATTR_RDONLY, 0, 0, true);
	if (status < 0)
		return rt_fail(context, "mount_setattr", status);
	return rt_attach(context, mount, target);
}
