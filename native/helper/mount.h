/* What the ops on mounts share. */
#ifndef RT_MOUNT_H
#define RT_MOUNT_H

#include "context.h"

/* Changes MOUNT_ATTR_* bits and the propagation (0: as it is) of a mount, or of all below it too. */
int rt_set_mount(int fd, uint64_t set, uint64_t clear, uint64_t propagation, bool recursive);

/* Attaches a detached mount to what `target` refers to. */
int rt_attach(struct rt_context *context, int mount, int target);

/* Makes the mount that holds `directory` private, which works on its root only: the last ancestor with the
 * same mount id. A mount moved onto a shared one would become shared itself, and appear on the host. */
int rt_isolate(struct rt_context *context, int directory);

/* 0, or EPERM where a mount on `target` would cover something of the container's /proc: whatever the path, links of the
 * image may lead there. */
int rt_check_place(struct rt_context *context, int target);

/* Keeps the descriptor of a mount in a slot; 0 is none. */
void rt_keep(struct rt_context *context, uint32_t slot, int *mount);

/* Copies what is in the directory `from` into the directory `to`: owners, modes, times and contents; links
 * are never followed. */
int rt_copy_tree(struct rt_context *context, int from, int to);

/* Whether fsconfig(2) would refuse an option for its length. */
bool rt_has_long_option(struct rt_strs options);

/* Mounts the filesystem of `op` on what `target` refers to by mount(2): an O_PATH descriptor of its root. */
int rt_mount_with_long_options(
	struct rt_context *context, const struct rt_op_mount_filesystem *op, int target, bool plain);

#endif
