/* Generated from schema/ops.json by schema/build/ops.ts; do not edit. */
/* clang-format off */
#include "../helper/context.h"
#include "../helper/sys.h"

int rt_run_op(struct rt_context *context, const struct rt_op *op)
{
	switch (op->code) {
	case RT_OP_CGROUP_CREATE:
		return rt_cgroup_create(context, &op->cgroup_create);
	case RT_OP_CGROUP_ENABLE:
		return rt_cgroup_enable(context, &op->cgroup_enable);
	case RT_OP_WRITE_FILE:
		return rt_write_file(context, &op->write_file);
	case RT_OP_WRITE_FILES:
		return rt_write_files(context, &op->write_files);
	case RT_OP_WRITE_FIRST:
		return rt_write_first(context, &op->write_first);
	case RT_OP_CGROUP_DELEGATE:
		return rt_cgroup_delegate(context, &op->cgroup_delegate);
	case RT_OP_WRITE_DEVICE_RULES:
		return rt_write_device_rules(context, &op->write_device_rules);
	case RT_OP_DEVICE_PROGRAM:
		return rt_device_program(context, &op->device_program);
	case RT_OP_RESCTRL_GROUP:
		return rt_resctrl_group(context, &op->resctrl_group);
	case RT_OP_NET_DEVICE:
		return rt_net_device(context, &op->net_device);
	case RT_OP_RAISE_LIMIT:
		return rt_raise_limit(context, &op->raise_limit);
	case RT_OP_USER_NAMESPACE:
		return rt_user_namespace(context, &op->user_namespace);
	case RT_OP_CHECK_ID_MAPS:
		return rt_check_id_maps(context, &op->check_id_maps);
	case RT_OP_BECOME_ROOT:
		return rt_become_root(context, &op->become_root);
	case RT_OP_OPEN_TREE:
		return rt_open_tree(context, &op->open_tree);
	case RT_OP_OPEN_FILESYSTEM:
		return rt_open_filesystem(context, &op->open_filesystem);
	case RT_OP_IDMAP_TREE:
		return rt_idmap_tree(context, &op->idmap_tree);
	case RT_OP_OPEN_TIME_OFFSETS:
		return rt_open_time_offsets(context, &op->open_time_offsets);
	case RT_OP_CLONE_INIT:
		return rt_clone_init(context, &op->clone_init);
	case RT_OP_AWAIT_UNIT:
		return rt_await_unit(context);
	case RT_OP_AWAIT_CGROUPS:
		return rt_await_cgroups(context);
	case RT_OP_AWAIT_LIMITS:
		return rt_await_limits(context);
	case RT_OP_CGROUP_JOIN:
		return rt_cgroup_join(context, &op->cgroup_join);
	case RT_OP_UNSHARE:
		return rt_unshare(context, &op->unshare);
	case RT_OP_NAMESPACE_OPEN:
		return rt_namespace_open(context, &op->namespace_open);
	case RT_OP_NAMESPACE_JOIN:
		return rt_namespace_join(context, &op->namespace_join);
	case RT_OP_TIME_NAMESPACE:
		return rt_time_namespace(context, &op->time_namespace);
	case RT_OP_SESSION_KEYRING:
		return rt_session_keyring(context, &op->session_keyring);
	case RT_OP_CONTAINER_USER_NAMESPACE:
		return rt_container_user_namespace(context, &op->container_user_namespace);
	case RT_OP_OPEN_PROCESS_ROOT:
		return rt_open_process_root(context, &op->open_process_root);
	case RT_OP_JOIN_PROCESS:
		return rt_join_process(context, &op->join_process);
	case RT_OP_OUTLIVE:
		return rt_outlive(context, &op->outlive);
	case RT_OP_LOOPBACK_UP:
		return rt_loopback_up(context);
	case RT_OP_ENTER_MOUNT_NAMESPACE:
		return rt_enter_mount_namespace(context, &op->enter_mount_namespace);
	case RT_OP_MOUNT_LOCKED:
		return rt_mount_locked(context, &op->mount_locked);
	case RT_OP_CLONE_LOCKED:
		return rt_clone_locked(context, &op->clone_locked);
	case RT_OP_LOCK_TREES:
		return rt_lock_trees(context, &op->lock_trees);
	case RT_OP_REFUSE_PINNED:
		return rt_refuse_pinned(context);
	case RT_OP_SET_PROPAGATION:
		return rt_set_propagation(context, &op->set_propagation);
	case RT_OP_OPEN_ROOT:
		return rt_open_root(context, &op->open_root);
	case RT_OP_OPEN_ROOT_DIRECTORY:
		return rt_open_root_directory(context, &op->open_root_directory);
	case RT_OP_HOLD_ROOT:
		return rt_hold_root(context, &op->hold_root);
	case RT_OP_MOUNT_FILESYSTEM:
		return rt_mount_filesystem(context, &op->mount_filesystem);
	case RT_OP_MOUNT_BIND:
		return rt_mount_bind(context, &op->mount_bind);
	case RT_OP_MOUNT_ATTRIBUTES:
		return rt_mount_attributes(context, &op->mount_attributes);
	case RT_OP_MOUNT_PROPAGATION:
		return rt_mount_propagation(context, &op->mount_propagation);
	case RT_OP_MAKE_DIRECTORY:
		return rt_make_directory(context, &op->make_directory);
	case RT_OP_MAKE_DEVICE:
		return rt_make_device(context, &op->make_device);
	case RT_OP_BIND_DEVICE:
		return rt_bind_device(context, &op->bind_device);
	case RT_OP_MAKE_LINK:
		return rt_make_link(context, &op->make_link);
	case RT_OP_TERMINAL:
		return rt_terminal(context, &op->terminal);
	case RT_OP_CONSOLE:
		return rt_console(context, &op->console);
	case RT_OP_MASK_PATH:
		return rt_mask_path(context, &op->mask_path);
	case RT_OP_READONLY_PATH:
		return rt_readonly_path(context, &op->readonly_path);
	case RT_OP_AWAIT_HOOKS:
		return rt_await_hooks(context);
	case RT_OP_OPEN_LOG:
		return rt_open_log(context, &op->open_log);
	case RT_OP_HOOK:
		return rt_hook(context, &op->hook);
	case RT_OP_REMOVE_MOUNT:
		return rt_remove_mount(context, &op->remove_mount);
	case RT_OP_OPEN_MOUNT:
		return rt_open_mount(context, &op->open_mount);
	case RT_OP_UNMOUNT:
		return rt_unmount(context, &op->unmount);
	case RT_OP_PIVOT_ROOT:
		return rt_pivot_root(context);
	case RT_OP_MOVE_ROOT:
		return rt_move_root(context, &op->move_root);
	case RT_OP_CHROOT:
		return rt_chroot(context);
	case RT_OP_SET_HOSTNAME:
		return rt_set_hostname(context, &op->set_hostname);
	case RT_OP_SET_DOMAINNAME:
		return rt_set_domainname(context, &op->set_domainname);
	case RT_OP_SYSCTL:
		return rt_sysctl(context, &op->sysctl);
	case RT_OP_OOM_SCORE_ADJ:
		return rt_oom_score_adj(context, &op->oom_score_adj);
	case RT_OP_RLIMIT:
		return rt_rlimit(context, &op->rlimit);
	case RT_OP_CPU_AFFINITY:
		return rt_cpu_affinity(context, &op->cpu_affinity);
	case RT_OP_SCHEDULER:
		return rt_scheduler(context, &op->scheduler);
	case RT_OP_AWAIT_SCHEDULER:
		return rt_await_scheduler(context);
	case RT_OP_IO_PRIORITY:
		return rt_io_priority(context, &op->io_priority);
	case RT_OP_PERSONALITY:
		return rt_personality(context, &op->personality);
	case RT_OP_MEMORY_POLICY:
		return rt_memory_policy(context, &op->memory_policy);
	case RT_OP_SECURITY_ATTRIBUTE:
		return rt_security_attribute(context, &op->security_attribute);
	case RT_OP_UMASK:
		return rt_umask(context, &op->umask);
	case RT_OP_STDIO_OWNER:
		return rt_stdio_owner(context, &op->stdio_owner);
	case RT_OP_DROP_BOUNDING:
		return rt_drop_bounding(context, &op->drop_bounding);
	case RT_OP_SET_USER:
		return rt_set_user(context, &op->set_user);
	case RT_OP_SET_CAPABILITIES:
		return rt_set_capabilities(context, &op->set_capabilities);
	case RT_OP_FORK_INIT:
		return rt_fork_init(context);
	case RT_OP_CHANGE_DIRECTORY:
		return rt_change_directory(context, &op->change_directory);
	case RT_OP_NO_NEW_PRIVS:
		return rt_no_new_privs(context);
	case RT_OP_FIND_PROGRAM:
		return rt_find_program(context, &op->find_program);
	case RT_OP_FIND_HOME:
		return rt_find_home(context, &op->find_home);
	case RT_OP_SECCOMP:
		return rt_seccomp(context, &op->seccomp);
	case RT_OP_SECCOMP_RECEIVER:
		return rt_seccomp_receiver(context, &op->seccomp_receiver);
	case RT_OP_SECCOMP_NOTIFY:
		return rt_seccomp_notify(context, &op->seccomp_notify);
	case RT_OP_END_ON_SIGNALS:
		return rt_end_on_signals(context, &op->end_on_signals);
	case RT_OP_AWAIT_START:
		return rt_await_start(context, &op->await_start);
	case RT_OP_PASS_DESCRIPTORS:
		return rt_pass_descriptors(context, &op->pass_descriptors);
	case RT_OP_MAKE_MOUNT_POINT:
		return rt_make_mount_point(context, &op->make_mount_point);
	case RT_OP_EXEC:
		return rt_exec(context, &op->exec);
	}
	return rt_fail(context, "", -ENOSYS);
}
