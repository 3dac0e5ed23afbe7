/* Functions shared by the mount ops. */
#ifndef RT_MOUNT_H
#define RT_MOUNT_H

#include "context.h"

#include <linux/mount.h>

/* Changes MOUNT_ATTR_* bits and the propagation (0: unchanged) of a mount, or recursively. */
int rt_set_mount(int fd, uint64_t set, uint64_t clear, uint64_t propagation, bool recursive);

/* Of a device node of the host: a container must not change its owner or mode, even if it has its owner's id. Reads and
 * writes still work. */
enum { RT_NODE_ATTRIBUTES = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC };

/* Opens the directory of the container's root filesystem with O_PATH. A symbolic link at the end of `path` is refused
 * with ELOOP, and its target is the detail of the failure. */
int rt_open_root_path(struct rt_context *context, const char *path);

/* Makes the root of the mount namespace that of this process, which changes something only for a runtime in a chroot.
 * Returns 1 if the container's root covers it already: then this process stays below. */
int rt_leave_chroot(struct rt_context *context);

/* Joins the mount namespace that this process is in, which gives it the root of that (setns(2)), also in a chroot. */
int rt_join_own_mounts(struct rt_context *context);

/* Makes a mount the root of the mount namespace in place of `old`, which goes with all mounts on it. */
int rt_replace_root(struct rt_context *context, int old, int root);

/* A detached read-only tmpfs of one directory; the options of tmpfs(5) as text. */
int rt_make_empty(struct rt_context *context, const char *source, const char *inodes, const char *mode);

/* Attaches a detached mount to `target`. */
int rt_attach(struct rt_context *context, int mount, int target);

/* Makes the mount that contains `directory` private. That works only on a mount's root: the last ancestor with the
 * same mount ID. A mount attached below a shared one would itself become shared and propagate to the host. */
int rt_isolate(struct rt_context *context, int directory);

/* Returns 0, or EPERM if a mount on `target` would cover part of the container's /proc. This checks the
 * resolved target, because links in the image may lead there from any path. */
int rt_check_place(struct rt_context *context, int target);

/* Moves a mount's descriptor to a slot; slot 0 means none. */
void rt_keep(struct rt_context *context, uint32_t slot, int *mount);

/* Copies the contents of directory `from` to directory `to`, a new filesystem that nobody else can reach, with owners,
 * modes, extended attributes and times; never follows links. */
int rt_copy_tree(struct rt_context *context, int from, int to);

/* Whether fsconfig(2) would refuse an option as too long. */
bool rt_has_long_option(struct rt_strs options);

/* Mounts the filesystem of `op` on `target` with mount(2). Returns an O_PATH descriptor of its root. */
int rt_mount_with_long_options(
	struct rt_context *context, const struct rt_op_mount_filesystem *op, int target, bool plain);

#endif
