/* The container's directories, device nodes and links. */
#include "context.h"
#include "mode.h"
#include "sys.h"

int rt_make_mount_point(struct rt_context *context, const struct rt_op_make_mount_point *op)
{
	RT_CLEANUP_FD int fd = rt_resolve(context, op->path.data,
		op->directory ? RT_MISSING_DIRECTORY : RT_MISSING_FILE, op->directory ? 0755 : 0644, false);
	return fd < 0 ? fd : 0;
}

int rt_make_directory(struct rt_context *context, const struct rt_op_make_directory *op)
{
	RT_CLEANUP_FD int fd = rt_resolve(context, op->path.data, RT_MISSING_DIRECTORY, op->mode, false);
	if (fd < 0)
		return fd;
	struct statx st;
	int status = rt_statx(fd, &st);
	if (status < 0)
		return rt_fail(context, "statx", status);
	return (st.stx_mode & S_IFMT) == S_IFDIR ? 0 : rt_fail(context, "mkdirat", -ENOTDIR);
}

/* Sets only attributes that differ: none on a new node, since the umask is 0. */
static int set_attributes(
	struct rt_context *context, int node, const struct statx *st, const struct rt_op_make_device *op)
{
	uint32_t mode = st->stx_mode & 07777;
	if (st->stx_uid != op->uid || st->stx_gid != op->gid) {
		long status = rt_sys(fchownat, node, "", op->uid, op->gid, AT_EMPTY_PATH);
		if (status < 0)
			return rt_fail(context, "fchownat", status);
		/* chown(2) clears the set-user-ID bits. */
		mode &= 0777;
	}
	if (mode == (op->mode & 07777))
		return 0;
	int status = rt_set_mode(node, op->mode & 07777, context->self);
	return status < 0 ? rt_fail(context, "fchmodat2", status) : 0;
}

int rt_make_device(struct rt_context *context, const struct rt_op_make_device *op)
{
	const char *name;
	RT_CLEANUP_FD int parent =
		rt_resolve_parent(context, op->path.data, RT_MISSING_DIRECTORY, false, &name);
	if (parent < 0)
		return parent;
	long made = rt_sys(mknodat, parent, name, op->mode, rt_device_number(op->major, op->minor));
	if (made < 0 && made != -EEXIST)
		return rt_fail(context, "mknodat", made);
	RT_CLEANUP_FD int node = rt_open_how(parent, name, O_PATH | O_NOFOLLOW, 0, RESOLVE_BENEATH);
	if (node < 0)
		return rt_fail(context, "openat2", node);
	struct statx st;
	int status = rt_statx(node, &st);
	if (status < 0)
		return rt_fail(context, "statx", status);
	/* A mount from the config is here: it is what the container is to see, and the node belongs to its source. */
	if (st.stx_attributes & STATX_ATTR_MOUNT_ROOT)
		return 0;
	uint32_t type = op->mode & S_IFMT;
	bool same = type == S_IFIFO ? (st.stx_mode & S_IFMT) == S_IFIFO
				    : rt_is_device(&st, type, op->major, op->minor);
	if (!same)
		return rt_fail(context, "mknodat", -EEXIST);
	/* A node that the config does not ask for may be in a directory of the host that somebody has mounted in the root. */
	if (op->keep != 0 && made < 0) {
		struct statx root;
		status = rt_statx(context->slots[0], &root);
		if (status < 0)
			return rt_fail(context, "statx", status);
		if (st.stx_mnt_id != root.stx_mnt_id)
			return 0;
	}
	return set_attributes(context, node, &st, op);
}

int rt_make_link(struct rt_context *context, const struct rt_op_make_link *op)
{
	const char *name;
	RT_CLEANUP_FD int parent =
		rt_resolve_parent(context, op->path.data, RT_MISSING_DIRECTORY, false, &name);
	if (parent < 0)
		return parent;
	long status = rt_sys(symlinkat, op->target.data, parent, name);
	if (status != -EEXIST)
		return status < 0 ? rt_fail(context, "symlinkat", status) : 0;
	if (op->exact == 0)
		return 0;
	char target[RT_PATH_MAX];
	long size = rt_sys(readlinkat, parent, name, target, sizeof(target) - 1);
	if (size < 0 && size != -EINVAL)
		return rt_fail(context, "readlinkat", size);
	target[size < 0 ? 0 : size] = '\0';
	return rt_equal(target, op->target.data) ? 0 : rt_fail(context, "symlinkat", -EEXIST);
}
