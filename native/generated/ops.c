/* Generated from schema/ops.json by schema/build/ops.ts; do not edit. */
/* clang-format off */
#include "ops.h"

static bool rt_read_slot(struct rt_reader *reader, uint32_t *slot)
{
	return rt_read_u32(reader, slot) && *slot < RT_SLOTS;
}

bool rt_decode_op(struct rt_reader *reader, uint32_t code, struct rt_op *op)
{
	if (code >= RT_OP_COUNT)
		return false;
	op->code = (enum rt_op_code)code;
	switch (op->code) {
	case RT_OP_CGROUP_CREATE:
		return rt_read_str(reader, &op->cgroup_create.hierarchy) &&
		       rt_read_str(reader, &op->cgroup_create.path) &&
		       rt_read_strs(reader, &op->cgroup_create.inherit);
	case RT_OP_CGROUP_ENABLE:
		return rt_read_str(reader, &op->cgroup_enable.hierarchy) &&
		       rt_read_str(reader, &op->cgroup_enable.path) &&
		       rt_read_strs(reader, &op->cgroup_enable.required) &&
		       rt_read_strs(reader, &op->cgroup_enable.optional);
	case RT_OP_WRITE_FILE:
		return rt_read_str(reader, &op->write_file.path) &&
		       rt_read_str(reader, &op->write_file.data) &&
		       rt_read_u32(reader, &op->write_file.ignore);
	case RT_OP_WRITE_FILES:
		return rt_read_strs(reader, &op->write_files.paths) && op->write_files.paths.count <= RT_WRITE_FILES_PATHS_MOST &&
		       rt_read_strs(reader, &op->write_files.data);
	case RT_OP_WRITE_FIRST:
		return rt_read_strs(reader, &op->write_first.paths) &&
		       rt_read_strs(reader, &op->write_first.data);
	case RT_OP_CGROUP_DELEGATE:
		return rt_read_str(reader, &op->cgroup_delegate.directory) &&
		       rt_read_strs(reader, &op->cgroup_delegate.files) &&
		       rt_read_u32(reader, &op->cgroup_delegate.uid);
	case RT_OP_WRITE_DEVICE_RULES:
		return rt_read_str(reader, &op->write_device_rules.directory) &&
		       rt_read_strs(reader, &op->write_device_rules.rules);
	case RT_OP_DEVICE_PROGRAM:
		return rt_read_str(reader, &op->device_program.directory) &&
		       rt_read_bytes(reader, &op->device_program.program);
	case RT_OP_RESCTRL_GROUP:
		return rt_read_str(reader, &op->resctrl_group.path) &&
		       rt_read_u32(reader, &op->resctrl_group.must_exist);
	case RT_OP_NET_DEVICE:
		return rt_read_str(reader, &op->net_device.namespace) &&
		       rt_read_str(reader, &op->net_device.name) &&
		       rt_read_str(reader, &op->net_device.new_name) &&
		       rt_read_u32(reader, &op->net_device.back) &&
		       rt_read_bytes(reader, &op->net_device.state);
	case RT_OP_RAISE_LIMIT:
		return rt_read_u32(reader, &op->raise_limit.resource) &&
		       rt_read_u64(reader, &op->raise_limit.hard);
	case RT_OP_USER_NAMESPACE:
		return rt_read_slot(reader, &op->user_namespace.slot) &&
		       rt_read_str(reader, &op->user_namespace.uid_map) &&
		       rt_read_str(reader, &op->user_namespace.gid_map) &&
		       rt_read_u32(reader, &op->user_namespace.deny_setgroups) &&
		       rt_read_str(reader, &op->user_namespace.uid_tool) &&
		       rt_read_str(reader, &op->user_namespace.gid_tool) &&
		       rt_read_u32(reader, &op->user_namespace.dumpable) &&
		       rt_read_u32(reader, &op->user_namespace.unguessable);
	case RT_OP_CHECK_ID_MAPS:
		return rt_read_str(reader, &op->check_id_maps.uid_map) &&
		       rt_read_str(reader, &op->check_id_maps.gid_map);
	case RT_OP_BECOME_ROOT:
		return rt_read_u32(reader, &op->become_root.groups);
	case RT_OP_OPEN_TREE:
		return rt_read_slot(reader, &op->open_tree.slot) &&
		       rt_read_str(reader, &op->open_tree.path) &&
		       rt_read_u32(reader, &op->open_tree.flags) &&
		       rt_read_u32(reader, &op->open_tree.propagation);
	case RT_OP_OPEN_FILESYSTEM:
		return rt_read_slot(reader, &op->open_filesystem.slot) &&
		       rt_read_str(reader, &op->open_filesystem.type) &&
		       rt_read_str(reader, &op->open_filesystem.source) &&
		       rt_read_strs(reader, &op->open_filesystem.options) &&
		       rt_read_u64(reader, &op->open_filesystem.attributes);
	case RT_OP_IDMAP_TREE:
		return rt_read_slot(reader, &op->idmap_tree.slot) &&
		       rt_read_slot(reader, &op->idmap_tree.namespace) &&
		       rt_read_u32(reader, &op->idmap_tree.recursive);
	case RT_OP_OPEN_TIME_OFFSETS:
		return rt_read_slot(reader, &op->open_time_offsets.slot);
	case RT_OP_CLONE_INIT:
		return rt_read_u32(reader, &op->clone_init.flags);
	case RT_OP_AWAIT_UNIT:
		return true;
	case RT_OP_AWAIT_CGROUPS:
		return true;
	case RT_OP_AWAIT_LIMITS:
		return true;
	case RT_OP_CGROUP_JOIN:
		return rt_read_str(reader, &op->cgroup_join.file);
	case RT_OP_UNSHARE:
		return rt_read_u32(reader, &op->unshare.flags);
	case RT_OP_NAMESPACE_OPEN:
		return rt_read_slot(reader, &op->namespace_open.slot) &&
		       rt_read_str(reader, &op->namespace_open.path) &&
		       rt_read_u32(reader, &op->namespace_open.type) &&
		       rt_read_str(reader, &op->namespace_open.need);
	case RT_OP_NAMESPACE_JOIN:
		return rt_read_slot(reader, &op->namespace_join.slot) &&
		       rt_read_u32(reader, &op->namespace_join.type) &&
		       rt_read_slot(reader, &op->namespace_join.user) &&
		       rt_read_u32(reader, &op->namespace_join.keep);
	case RT_OP_TIME_NAMESPACE:
		return rt_read_str(reader, &op->time_namespace.offsets) &&
		       rt_read_slot(reader, &op->time_namespace.slot);
	case RT_OP_SESSION_KEYRING:
		return rt_read_str(reader, &op->session_keyring.name) &&
		       rt_read_u32(reader, &op->session_keyring.permission);
	case RT_OP_CONTAINER_USER_NAMESPACE:
		return rt_read_slot(reader, &op->container_user_namespace.slot) &&
		       rt_read_str(reader, &op->container_user_namespace.path) &&
		       rt_read_u32(reader, &op->container_user_namespace.child) &&
		       rt_read_u64(reader, &op->container_user_namespace.device) &&
		       rt_read_u64(reader, &op->container_user_namespace.inode);
	case RT_OP_OPEN_PROCESS_ROOT:
		return rt_read_str(reader, &op->open_process_root.path);
	case RT_OP_JOIN_PROCESS:
		return rt_read_u32(reader, &op->join_process.flags) &&
		       rt_read_slot(reader, &op->join_process.user) &&
		       rt_read_u64(reader, &op->join_process.owner_device) &&
		       rt_read_u64(reader, &op->join_process.owner_inode);
	case RT_OP_OUTLIVE:
		return rt_read_u32(reader, &op->outlive.fork) &&
		       rt_read_u32(reader, &op->outlive.apart) &&
		       rt_read_u32(reader, &op->outlive.terminal);
	case RT_OP_LOOPBACK_UP:
		return true;
	case RT_OP_ENTER_MOUNT_NAMESPACE:
		return rt_read_str(reader, &op->enter_mount_namespace.thread);
	case RT_OP_MOUNT_LOCKED:
		return rt_read_slot(reader, &op->mount_locked.proc) &&
		       rt_read_slot(reader, &op->mount_locked.sys) &&
		       rt_read_u32s(reader, &op->mount_locked.trees);
	case RT_OP_CLONE_LOCKED:
		return rt_read_u32s(reader, &op->clone_locked.trees);
	case RT_OP_LOCK_TREES:
		return rt_read_slot(reader, &op->lock_trees.user) &&
		       rt_read_u32s(reader, &op->lock_trees.trees);
	case RT_OP_REFUSE_PINNED:
		return true;
	case RT_OP_SET_PROPAGATION:
		return rt_read_u32(reader, &op->set_propagation.type) &&
		       rt_read_u32(reader, &op->set_propagation.recursive);
	case RT_OP_OPEN_ROOT:
		return rt_read_str(reader, &op->open_root.path) &&
		       rt_read_u32(reader, &op->open_root.type) &&
		       rt_read_u32(reader, &op->open_root.isolate) &&
		       rt_read_slot(reader, &op->open_root.tree);
	case RT_OP_OPEN_ROOT_DIRECTORY:
		return rt_read_str(reader, &op->open_root_directory.path);
	case RT_OP_HOLD_ROOT:
		return rt_read_str(reader, &op->hold_root.path);
	case RT_OP_MOUNT_FILESYSTEM:
		return rt_read_slot(reader, &op->mount_filesystem.slot) &&
		       rt_read_str(reader, &op->mount_filesystem.destination) &&
		       rt_read_str(reader, &op->mount_filesystem.type) &&
		       rt_read_str(reader, &op->mount_filesystem.source) &&
		       rt_read_strs(reader, &op->mount_filesystem.options) &&
		       rt_read_u64(reader, &op->mount_filesystem.attributes) &&
		       rt_read_u32(reader, &op->mount_filesystem.flags) &&
		       rt_read_slot(reader, &op->mount_filesystem.pid_namespace) &&
		       rt_read_slot(reader, &op->mount_filesystem.tree);
	case RT_OP_MOUNT_BIND:
		return rt_read_slot(reader, &op->mount_bind.slot) &&
		       rt_read_str(reader, &op->mount_bind.source) &&
		       rt_read_str(reader, &op->mount_bind.destination) &&
		       rt_read_u64(reader, &op->mount_bind.set) &&
		       rt_read_u64(reader, &op->mount_bind.clear) &&
		       rt_read_u64(reader, &op->mount_bind.recursive_set) &&
		       rt_read_u64(reader, &op->mount_bind.recursive_clear) &&
		       rt_read_u32(reader, &op->mount_bind.flags) &&
		       rt_read_slot(reader, &op->mount_bind.tree);
	case RT_OP_MOUNT_ATTRIBUTES:
		return rt_read_slot(reader, &op->mount_attributes.slot) &&
		       rt_read_u64(reader, &op->mount_attributes.set) &&
		       rt_read_u64(reader, &op->mount_attributes.clear) &&
		       rt_read_u32(reader, &op->mount_attributes.recursive);
	case RT_OP_MOUNT_PROPAGATION:
		return rt_read_slot(reader, &op->mount_propagation.slot) &&
		       rt_read_u32(reader, &op->mount_propagation.type) &&
		       rt_read_u32(reader, &op->mount_propagation.recursive);
	case RT_OP_MAKE_DIRECTORY:
		return rt_read_str(reader, &op->make_directory.path) &&
		       rt_read_u32(reader, &op->make_directory.mode);
	case RT_OP_MAKE_DEVICE:
		return rt_read_str(reader, &op->make_device.path) &&
		       rt_read_u32(reader, &op->make_device.mode) &&
		       rt_read_u32(reader, &op->make_device.major) &&
		       rt_read_u32(reader, &op->make_device.minor) &&
		       rt_read_u32(reader, &op->make_device.uid) &&
		       rt_read_u32(reader, &op->make_device.gid) &&
		       rt_read_u32(reader, &op->make_device.keep);
	case RT_OP_BIND_DEVICE:
		return rt_read_slot(reader, &op->bind_device.tree) &&
		       rt_read_str(reader, &op->bind_device.source) &&
		       rt_read_str(reader, &op->bind_device.path) &&
		       rt_read_u32(reader, &op->bind_device.mode) &&
		       rt_read_u32(reader, &op->bind_device.major) &&
		       rt_read_u32(reader, &op->bind_device.minor);
	case RT_OP_MAKE_LINK:
		return rt_read_str(reader, &op->make_link.path) &&
		       rt_read_str(reader, &op->make_link.target) &&
		       rt_read_u32(reader, &op->make_link.exact);
	case RT_OP_TERMINAL:
		return rt_read_u32(reader, &op->terminal.width) &&
		       rt_read_u32(reader, &op->terminal.height) &&
		       rt_read_u32(reader, &op->terminal.controlling);
	case RT_OP_CONSOLE:
		return rt_read_str(reader, &op->console.path);
	case RT_OP_MASK_PATH:
		return rt_read_str(reader, &op->mask_path.path);
	case RT_OP_READONLY_PATH:
		return rt_read_str(reader, &op->readonly_path.path);
	case RT_OP_AWAIT_HOOKS:
		return true;
	case RT_OP_OPEN_LOG:
		return rt_read_slot(reader, &op->open_log.slot) &&
		       rt_read_str(reader, &op->open_log.path);
	case RT_OP_HOOK:
		return rt_read_str(reader, &op->hook.path) &&
		       rt_read_strs(reader, &op->hook.args) &&
		       rt_read_strs(reader, &op->hook.env) &&
		       rt_read_str(reader, &op->hook.before) &&
		       rt_read_str(reader, &op->hook.after) &&
		       rt_read_u32(reader, &op->hook.timeout_ms) &&
		       rt_read_u32(reader, &op->hook.in_root) &&
		       rt_read_u32(reader, &op->hook.add_home) &&
		       rt_read_slot(reader, &op->hook.out) &&
		       rt_read_slot(reader, &op->hook.err);
	case RT_OP_REMOVE_MOUNT:
		return rt_read_str(reader, &op->remove_mount.destination);
	case RT_OP_OPEN_MOUNT:
		return rt_read_slot(reader, &op->open_mount.slot) &&
		       rt_read_str(reader, &op->open_mount.destination);
	case RT_OP_UNMOUNT:
		return rt_read_str(reader, &op->unmount.path);
	case RT_OP_PIVOT_ROOT:
		return true;
	case RT_OP_MOVE_ROOT:
		return rt_read_u32(reader, &op->move_root.detach);
	case RT_OP_CHROOT:
		return true;
	case RT_OP_SET_HOSTNAME:
		return rt_read_str(reader, &op->set_hostname.name);
	case RT_OP_SET_DOMAINNAME:
		return rt_read_str(reader, &op->set_domainname.name);
	case RT_OP_SYSCTL:
		return rt_read_str(reader, &op->sysctl.path) &&
		       rt_read_str(reader, &op->sysctl.value) &&
		       rt_read_u32(reader, &op->sysctl.host);
	case RT_OP_OOM_SCORE_ADJ:
		return rt_read_i32(reader, &op->oom_score_adj.value) &&
		       rt_read_u32(reader, &op->oom_score_adj.ignore);
	case RT_OP_RLIMIT:
		return rt_read_u32(reader, &op->rlimit.resource) &&
		       rt_read_u64(reader, &op->rlimit.soft) &&
		       rt_read_u64(reader, &op->rlimit.hard);
	case RT_OP_CPU_AFFINITY:
		return rt_read_bytes(reader, &op->cpu_affinity.cpus);
	case RT_OP_SCHEDULER:
		return rt_read_u32(reader, &op->scheduler.pid) &&
		       rt_read_u32(reader, &op->scheduler.policy) &&
		       rt_read_u64(reader, &op->scheduler.flags) &&
		       rt_read_i32(reader, &op->scheduler.nice) &&
		       rt_read_u32(reader, &op->scheduler.priority) &&
		       rt_read_u64(reader, &op->scheduler.runtime) &&
		       rt_read_u64(reader, &op->scheduler.deadline) &&
		       rt_read_u64(reader, &op->scheduler.period);
	case RT_OP_AWAIT_SCHEDULER:
		return true;
	case RT_OP_IO_PRIORITY:
		return rt_read_u32(reader, &op->io_priority.value);
	case RT_OP_PERSONALITY:
		return rt_read_u32(reader, &op->personality.persona);
	case RT_OP_MEMORY_POLICY:
		return rt_read_u32(reader, &op->memory_policy.mode) &&
		       rt_read_bytes(reader, &op->memory_policy.nodes);
	case RT_OP_SECURITY_ATTRIBUTE:
		return rt_read_str(reader, &op->security_attribute.name) &&
		       rt_read_str(reader, &op->security_attribute.value) &&
		       rt_read_str(reader, &op->security_attribute.expected);
	case RT_OP_UMASK:
		return rt_read_u32(reader, &op->umask.mask);
	case RT_OP_STDIO_OWNER:
		return rt_read_u32(reader, &op->stdio_owner.uid) &&
		       rt_read_slot(reader, &op->stdio_owner.user) &&
		       rt_read_u32(reader, &op->stdio_owner.null);
	case RT_OP_DROP_BOUNDING:
		return rt_read_u64(reader, &op->drop_bounding.keep) &&
		       rt_read_u32(reader, &op->drop_bounding.last);
	case RT_OP_SET_USER:
		return rt_read_u32(reader, &op->set_user.uid) &&
		       rt_read_u32(reader, &op->set_user.gid) &&
		       rt_read_u32s(reader, &op->set_user.groups) &&
		       rt_read_u32(reader, &op->set_user.keep_groups);
	case RT_OP_SET_CAPABILITIES:
		return rt_read_u64(reader, &op->set_capabilities.effective) &&
		       rt_read_u64(reader, &op->set_capabilities.permitted) &&
		       rt_read_u64(reader, &op->set_capabilities.inheritable) &&
		       rt_read_u64(reader, &op->set_capabilities.ambient);
	case RT_OP_FORK_INIT:
		return true;
	case RT_OP_CHANGE_DIRECTORY:
		return rt_read_str(reader, &op->change_directory.path) &&
		       rt_read_u32(reader, &op->change_directory.phase);
	case RT_OP_NO_NEW_PRIVS:
		return true;
	case RT_OP_FIND_PROGRAM:
		return rt_read_str(reader, &op->find_program.name) &&
		       rt_read_str(reader, &op->find_program.search);
	case RT_OP_FIND_HOME:
		return rt_read_u32(reader, &op->find_home.uid);
	case RT_OP_SECCOMP:
		return rt_read_u32(reader, &op->seccomp.flags) &&
		       rt_read_u32(reader, &op->seccomp.at_execve);
	case RT_OP_SECCOMP_RECEIVER:
		return rt_read_str(reader, &op->seccomp_receiver.path);
	case RT_OP_SECCOMP_NOTIFY:
		return rt_read_u32(reader, &op->seccomp_notify.flags) &&
		       rt_read_strs(reader, &op->seccomp_notify.state) && op->seccomp_notify.state.count <= RT_SECCOMP_NOTIFY_STATE_MOST;
	case RT_OP_END_ON_SIGNALS:
		return rt_read_u64(reader, &op->end_on_signals.signals);
	case RT_OP_AWAIT_START:
		return rt_read_u32(reader, &op->await_start.how);
	case RT_OP_PASS_DESCRIPTORS:
		return rt_read_u32(reader, &op->pass_descriptors.first) &&
		       rt_read_u32s(reader, &op->pass_descriptors.slots);
	case RT_OP_MAKE_MOUNT_POINT:
		return rt_read_str(reader, &op->make_mount_point.path) &&
		       rt_read_u32(reader, &op->make_mount_point.directory);
	case RT_OP_EXEC:
		return rt_read_strs(reader, &op->exec.args) &&
		       rt_read_strs(reader, &op->exec.env);
	}
	return false;
}

bool rt_op_is_host(enum rt_op_code code)
{
	switch (code) {
	case RT_OP_CGROUP_CREATE:
		return true;
	case RT_OP_CGROUP_ENABLE:
		return true;
	case RT_OP_WRITE_FILE:
		return true;
	case RT_OP_WRITE_FILES:
		return true;
	case RT_OP_WRITE_FIRST:
		return true;
	case RT_OP_CGROUP_DELEGATE:
		return true;
	case RT_OP_WRITE_DEVICE_RULES:
		return true;
	case RT_OP_DEVICE_PROGRAM:
		return true;
	case RT_OP_RESCTRL_GROUP:
		return true;
	case RT_OP_NET_DEVICE:
		return true;
	case RT_OP_RAISE_LIMIT:
		return false;
	case RT_OP_USER_NAMESPACE:
		return false;
	case RT_OP_CHECK_ID_MAPS:
		return false;
	case RT_OP_BECOME_ROOT:
		return false;
	case RT_OP_OPEN_TREE:
		return false;
	case RT_OP_OPEN_FILESYSTEM:
		return false;
	case RT_OP_IDMAP_TREE:
		return false;
	case RT_OP_OPEN_TIME_OFFSETS:
		return false;
	case RT_OP_CLONE_INIT:
		return false;
	case RT_OP_AWAIT_UNIT:
		return false;
	case RT_OP_AWAIT_CGROUPS:
		return false;
	case RT_OP_AWAIT_LIMITS:
		return false;
	case RT_OP_CGROUP_JOIN:
		return false;
	case RT_OP_UNSHARE:
		return false;
	case RT_OP_NAMESPACE_OPEN:
		return false;
	case RT_OP_NAMESPACE_JOIN:
		return false;
	case RT_OP_TIME_NAMESPACE:
		return false;
	case RT_OP_SESSION_KEYRING:
		return false;
	case RT_OP_CONTAINER_USER_NAMESPACE:
		return false;
	case RT_OP_OPEN_PROCESS_ROOT:
		return false;
	case RT_OP_JOIN_PROCESS:
		return false;
	case RT_OP_OUTLIVE:
		return false;
	case RT_OP_LOOPBACK_UP:
		return false;
	case RT_OP_ENTER_MOUNT_NAMESPACE:
		return false;
	case RT_OP_MOUNT_LOCKED:
		return false;
	case RT_OP_CLONE_LOCKED:
		return false;
	case RT_OP_LOCK_TREES:
		return false;
	case RT_OP_REFUSE_PINNED:
		return false;
	case RT_OP_SET_PROPAGATION:
		return false;
	case RT_OP_OPEN_ROOT:
		return false;
	case RT_OP_OPEN_ROOT_DIRECTORY:
		return false;
	case RT_OP_HOLD_ROOT:
		return false;
	case RT_OP_MOUNT_FILESYSTEM:
		return false;
	case RT_OP_MOUNT_BIND:
		return false;
	case RT_OP_MOUNT_ATTRIBUTES:
		return false;
	case RT_OP_MOUNT_PROPAGATION:
		return false;
	case RT_OP_MAKE_DIRECTORY:
		return false;
	case RT_OP_MAKE_DEVICE:
		return false;
	case RT_OP_BIND_DEVICE:
		return false;
	case RT_OP_MAKE_LINK:
		return false;
	case RT_OP_TERMINAL:
		return false;
	case RT_OP_CONSOLE:
		return false;
	case RT_OP_MASK_PATH:
		return false;
	case RT_OP_READONLY_PATH:
		return false;
	case RT_OP_AWAIT_HOOKS:
		return false;
	case RT_OP_OPEN_LOG:
		return false;
	case RT_OP_HOOK:
		return false;
	case RT_OP_REMOVE_MOUNT:
		return false;
	case RT_OP_OPEN_MOUNT:
		return false;
	case RT_OP_UNMOUNT:
		return true;
	case RT_OP_PIVOT_ROOT:
		return false;
	case RT_OP_MOVE_ROOT:
		return false;
	case RT_OP_CHROOT:
		return false;
	case RT_OP_SET_HOSTNAME:
		return false;
	case RT_OP_SET_DOMAINNAME:
		return false;
	case RT_OP_SYSCTL:
		return false;
	case RT_OP_OOM_SCORE_ADJ:
		return false;
	case RT_OP_RLIMIT:
		return false;
	case RT_OP_CPU_AFFINITY:
		return false;
	case RT_OP_SCHEDULER:
		return true;
	case RT_OP_AWAIT_SCHEDULER:
		return false;
	case RT_OP_IO_PRIORITY:
		return false;
	case RT_OP_PERSONALITY:
		return false;
	case RT_OP_MEMORY_POLICY:
		return false;
	case RT_OP_SECURITY_ATTRIBUTE:
		return false;
	case RT_OP_UMASK:
		return false;
	case RT_OP_STDIO_OWNER:
		return false;
	case RT_OP_DROP_BOUNDING:
		return false;
	case RT_OP_SET_USER:
		return false;
	case RT_OP_SET_CAPABILITIES:
		return false;
	case RT_OP_FORK_INIT:
		return false;
	case RT_OP_CHANGE_DIRECTORY:
		return false;
	case RT_OP_NO_NEW_PRIVS:
		return false;
	case RT_OP_FIND_PROGRAM:
		return false;
	case RT_OP_FIND_HOME:
		return false;
	case RT_OP_SECCOMP:
		return false;
	case RT_OP_SECCOMP_RECEIVER:
		return false;
	case RT_OP_SECCOMP_NOTIFY:
		return false;
	case RT_OP_END_ON_SIGNALS:
		return false;
	case RT_OP_AWAIT_START:
		return false;
	case RT_OP_PASS_DESCRIPTORS:
		return false;
	case RT_OP_MAKE_MOUNT_POINT:
		return false;
	case RT_OP_EXEC:
		return false;
	}
	return false;
}
