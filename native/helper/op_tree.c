/* Mounts cloned before init drops the runtime's privileges, and devices bound from the host. */
#include "mount.h"
#include "sys.h"

/* The magic number (statfs(2)) of the filesystem that refused, for the error message. */
static void note_filesystem(struct rt_context *context, int fd)
{
	struct statfs fs;
	if (rt_sys(fstatfs, fd, &fs) < 0)
		return;
	static const char digits[] = "0123456789abcdef";
	for (unsigned i = 0; i < 8; i++)
		context->detail[i] = digits[(uint32_t)fs.f_type >> (28 - 4 * i) & 15];
	context->detail_length = 8;
}

int rt_open_tree(struct rt_context *context, const struct rt_op_open_tree *op)
{
	/* In the root, what earlier mounts hold may be somebody else's: a link could lead from there to a mount of the
	 * container that is protected in its own place only, such as procfs. */
	uint64_t nofollow = op->flags & RT_OPEN_TREE_NOFOLLOW ? O_NOFOLLOW : 0;
	RT_CLEANUP_FD int source = op->flags & RT_OPEN_TREE_IN_ROOT
					   ? rt_resolve(context, op->path.data, RT_MISSING_FAILS, 0, true)
				   : op->flags & RT_OPEN_TREE_PLAIN_DIRECTORY
					   ? rt_open_root_path(context, op->path.data)
					   : rt_open_how(AT_FDCWD, op->path.data, O_PATH | nofollow, 0, 0);
	if (source == -ENOENT && op->flags & RT_OPEN_TREE_OPTIONAL)
		return 0;
	if (source < 0)
		return rt_fail(context, "openat2", source);
	RT_CLEANUP_FD int tree = (int)rt_sys(open_tree, source, "",
		OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH |
			(op->flags & RT_OPEN_TREE_RECURSIVE ? AT_RECURSIVE : 0));
	if (tree < 0)
		return rt_fail(context, "open_tree", tree);
	int status = op->propagation != 0 ? rt_set_mount(tree, 0, 0, op->propagation, true) : 0;
	if (status < 0)
		return rt_fail(context, "mount_setattr", status);
	rt_close(&context->slots[op->slot]);
	context->slots[op->slot] = rt_steal_fd(&tree);
	return 0;
}

int rt_idmap_tree(struct rt_context *context, const struct rt_op_idmap_tree *op)
{
	struct mount_attr attr = {
		.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)context->slots[op->namespace]};
	int tree = context->slots[op->slot];
	long status = rt_sys(mount_setattr, tree, "", AT_EMPTY_PATH | (op->recursive ? AT_RECURSIVE : 0),
		&attr, sizeof(attr));
	if (status >= 0)
		return 0;
	note_filesystem(context, tree);
	return rt_fail(context, "mount_setattr", status);
}

int rt_bind_device(struct rt_context *context, const struct rt_op_bind_device *op)
{
	RT_CLEANUP_FD int tree = op->tree == 0
					 ? (int)rt_sys(open_tree, AT_FDCWD, op->source.data,
						   OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW)
					 : rt_steal_fd(&context->slots[op->tree]);
	if (tree < 0)
		return rt_fail(context, "open_tree", tree);
	struct statx st;
	int status = rt_statx(tree, &st);
	if (status < 0)
		return rt_fail(context, "statx", status);
	if (!rt_is_device(&st, op->mode & S_IFMT, op->major, op->minor))
		return rt_fail(context, "statx", -ENODEV);
	status = rt_set_mount(tree, RT_NODE_ATTRIBUTES, 0, 0, false);
	if (status < 0)
		return rt_fail(context, "mount_setattr", status);
	RT_CLEANUP_FD int target = rt_resolve(context, op->path.data, RT_MISSING_FILE, 0644, false);
	if (target < 0)
		return target;
	status = rt_statx(target, &st);
	if (status < 0)
		return rt_fail(context, "statx", status);
	/* As in rt_make_device. */
	if (st.stx_attributes & STATX_ATTR_MOUNT_ROOT)
		return 0;
	if ((st.stx_mode & S_IFMT) == S_IFDIR)
		return rt_fail(context, "move_mount", -EISDIR);
	status = rt_check_place(context, target);
	return status < 0 ? status : rt_attach(context, tree, target);
}
