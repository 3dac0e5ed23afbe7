/* Generated from schema/ops.json by schema/build/ops.ts; do not edit. */
/* clang-format off */
#ifndef RT_OPS_H
#define RT_OPS_H

#include "../helper/program.h"

enum { RT_PROGRAM_VERSION = 2, RT_SLOTS = 1024 };

enum rt_op_code {
	RT_OP_CGROUP_CREATE = 0,
	RT_OP_CGROUP_ENABLE = 1,
	RT_OP_WRITE_FILE = 2,
	RT_OP_WRITE_FILES = 3,
	RT_OP_WRITE_FIRST = 4,
	RT_OP_CGROUP_DELEGATE = 5,
	RT_OP_WRITE_DEVICE_RULES = 6,
	RT_OP_DEVICE_PROGRAM = 7,
	RT_OP_RESCTRL_GROUP = 8,
	RT_OP_NET_DEVICE = 9,
	RT_OP_RAISE_LIMIT = 10,
	RT_OP_USER_NAMESPACE = 11,
	RT_OP_CHECK_ID_MAPS = 12,
	RT_OP_BECOME_ROOT = 13,
	RT_OP_OPEN_TREE = 14,
	RT_OP_OPEN_FILESYSTEM = 15,
	RT_OP_IDMAP_TREE = 16,
	RT_OP_OPEN_TIME_OFFSETS = 17,
	RT_OP_CLONE_INIT = 18,
	RT_OP_AWAIT_UNIT = 19,
	RT_OP_AWAIT_CGROUPS = 20,
	RT_OP_AWAIT_LIMITS = 21,
	RT_OP_CGROUP_JOIN = 22,
	RT_OP_UNSHARE = 23,
	RT_OP_NAMESPACE_OPEN = 24,
	RT_OP_NAMESPACE_JOIN = 25,
	RT_OP_TIME_NAMESPACE = 26,
	RT_OP_SESSION_KEYRING = 27,
	RT_OP_CONTAINER_USER_NAMESPACE = 28,
	RT_OP_OPEN_PROCESS_ROOT = 29,
	RT_OP_JOIN_PROCESS = 30,
	RT_OP_OUTLIVE = 31,
	RT_OP_LOOPBACK_UP = 32,
	RT_OP_ENTER_MOUNT_NAMESPACE = 33,
	RT_OP_MOUNT_LOCKED = 34,
	RT_OP_CLONE_LOCKED = 35,
	RT_OP_LOCK_TREES = 36,
	RT_OP_REFUSE_PINNED = 37,
	RT_OP_SET_PROPAGATION = 38,
	RT_OP_OPEN_ROOT = 39,
	RT_OP_OPEN_ROOT_DIRECTORY = 40,
	RT_OP_HOLD_ROOT = 41,
	RT_OP_MOUNT_FILESYSTEM = 42,
	RT_OP_MOUNT_BIND = 43,
	RT_OP_MOUNT_ATTRIBUTES = 44,
	RT_OP_MOUNT_PROPAGATION = 45,
	RT_OP_MAKE_DIRECTORY = 46,
	RT_OP_MAKE_DEVICE = 47,
	RT_OP_BIND_DEVICE = 48,
	RT_OP_MAKE_LINK = 49,
	RT_OP_TERMINAL = 50,
	RT_OP_CONSOLE = 51,
	RT_OP_MASK_PATH = 52,
	RT_OP_READONLY_PATH = 53,
	RT_OP_AWAIT_HOOKS = 54,
	RT_OP_OPEN_LOG = 55,
	RT_OP_HOOK = 56,
	RT_OP_REMOVE_MOUNT = 57,
	RT_OP_OPEN_MOUNT = 58,
	RT_OP_UNMOUNT = 59,
	RT_OP_PIVOT_ROOT = 60,
	RT_OP_MOVE_ROOT = 61,
	RT_OP_CHROOT = 62,
	RT_OP_SET_HOSTNAME = 63,
	RT_OP_SET_DOMAINNAME = 64,
	RT_OP_SYSCTL = 65,
	RT_OP_OOM_SCORE_ADJ = 66,
	RT_OP_RLIMIT = 67,
	RT_OP_CPU_AFFINITY = 68,
	RT_OP_SCHEDULER = 69,
	RT_OP_AWAIT_SCHEDULER = 70,
	RT_OP_IO_PRIORITY = 71,
	RT_OP_PERSONALITY = 72,
	RT_OP_MEMORY_POLICY = 73,
	RT_OP_SECURITY_ATTRIBUTE = 74,
	RT_OP_UMASK = 75,
	RT_OP_STDIO_OWNER = 76,
	RT_OP_DROP_BOUNDING = 77,
	RT_OP_SET_USER = 78,
	RT_OP_SET_CAPABILITIES = 79,
	RT_OP_FORK_INIT = 80,
	RT_OP_CHANGE_DIRECTORY = 81,
	RT_OP_NO_NEW_PRIVS = 82,
	RT_OP_FIND_PROGRAM = 83,
	RT_OP_FIND_HOME = 84,
	RT_OP_SECCOMP = 85,
	RT_OP_SECCOMP_RECEIVER = 86,
	RT_OP_SECCOMP_NOTIFY = 87,
	RT_OP_END_ON_SIGNALS = 88,
	RT_OP_AWAIT_START = 89,
	RT_OP_PASS_DESCRIPTORS = 90,
	RT_OP_MAKE_MOUNT_POINT = 91,
	RT_OP_EXEC = 92,
};

enum { RT_OP_COUNT = 93 };

struct rt_op_cgroup_create {
	struct rt_str hierarchy;
	struct rt_str path;
	struct rt_strs inherit;
};

struct rt_op_cgroup_enable {
	struct rt_str hierarchy;
	struct rt_str path;
	struct rt_strs required;
	struct rt_strs optional;
};

struct rt_op_write_file {
	struct rt_str path;
	struct rt_str data;
	uint32_t ignore;
};

struct rt_op_write_files {
	struct rt_strs paths;
	struct rt_strs data;
};

struct rt_op_write_first {
	struct rt_strs paths;
	struct rt_strs data;
};

struct rt_op_cgroup_delegate {
	struct rt_str directory;
	struct rt_strs files;
	uint32_t uid;
};

struct rt_op_write_device_rules {
	struct rt_str directory;
	struct rt_strs rules;
};

struct rt_op_device_program {
	struct rt_str directory;
	struct rt_bytes program;
};

struct rt_op_resctrl_group {
	struct rt_str path;
	uint32_t must_exist;
};

struct rt_op_net_device {
	struct rt_str namespace;
	struct rt_str name;
	struct rt_str new_name;
	uint32_t back;
	struct rt_bytes state;
};

struct rt_op_raise_limit {
	uint32_t resource;
	uint64_t hard;
};

struct rt_op_user_namespace {
	uint32_t slot;
	struct rt_str uid_map;
	struct rt_str gid_map;
	uint32_t deny_setgroups;
	struct rt_str uid_tool;
	struct rt_str gid_tool;
	uint32_t dumpable;
	uint32_t unguessable;
};

struct rt_op_check_id_maps {
	struct rt_str uid_map;
	struct rt_str gid_map;
};

struct rt_op_become_root {
	uint32_t groups;
};

struct rt_op_open_tree {
	uint32_t slot;
	struct rt_str path;
	uint32_t flags;
	uint32_t propagation;
};

struct rt_op_open_filesystem {
	uint32_t slot;
	struct rt_str type;
	struct rt_str source;
	struct rt_strs options;
	uint64_t attributes;
};

struct rt_op_idmap_tree {
	uint32_t slot;
	uint32_t namespace;
	uint32_t recursive;
};

struct rt_op_open_time_offsets {
	uint32_t slot;
};

struct rt_op_clone_init {
	uint32_t flags;
};

struct rt_op_cgroup_join {
	struct rt_str file;
};

struct rt_op_unshare {
	uint32_t flags;
};

struct rt_op_namespace_open {
	uint32_t slot;
	struct rt_str path;
	uint32_t type;
	struct rt_str need;
};

struct rt_op_namespace_join {
	uint32_t slot;
	uint32_t type;
	uint32_t user;
	uint32_t keep;
};

struct rt_op_time_namespace {
	struct rt_str offsets;
	uint32_t slot;
};

struct rt_op_session_keyring {
	struct rt_str name;
	uint32_t permission;
};

struct rt_op_container_user_namespace {
	uint32_t slot;
	struct rt_str path;
	uint32_t child;
	uint64_t device;
	uint64_t inode;
};

struct rt_op_open_process_root {
	struct rt_str path;
};

struct rt_op_join_process {
	uint32_t flags;
	uint32_t user;
	uint64_t owner_device;
	uint64_t owner_inode;
};

struct rt_op_outlive {
	uint32_t fork;
	uint32_t apart;
	uint32_t terminal;
};

struct rt_op_enter_mount_namespace {
	struct rt_str thread;
};

struct rt_op_mount_locked {
	uint32_t proc;
	uint32_t sys;
	struct rt_u32s trees;
};

struct rt_op_clone_locked {
	struct rt_u32s trees;
};

struct rt_op_lock_trees {
	uint32_t user;
	struct rt_u32s trees;
};

struct rt_op_set_propagation {
	uint32_t type;
	uint32_t recursive;
};

struct rt_op_open_root {
	struct rt_str path;
	uint32_t type;
	uint32_t isolate;
	uint32_t tree;
};

struct rt_op_open_root_directory {
	struct rt_str path;
};

struct rt_op_hold_root {
	struct rt_str path;
};

struct rt_op_mount_filesystem {
	uint32_t slot;
	struct rt_str destination;
	struct rt_str type;
	struct rt_str source;
	struct rt_strs options;
	uint64_t attributes;
	uint32_t flags;
	uint32_t pid_namespace;
	uint32_t tree;
};

struct rt_op_mount_bind {
	uint32_t slot;
	struct rt_str source;
	struct rt_str destination;
	uint64_t set;
	uint64_t clear;
	uint64_t recursive_set;
	uint64_t recursive_clear;
	uint32_t flags;
	uint32_t tree;
};

struct rt_op_mount_attributes {
	uint32_t slot;
	uint64_t set;
	uint64_t clear;
	uint32_t recursive;
};

struct rt_op_mount_propagation {
	uint32_t slot;
	uint32_t type;
	uint32_t recursive;
};

struct rt_op_make_directory {
	struct rt_str path;
	uint32_t mode;
};

struct rt_op_make_device {
	struct rt_str path;
	uint32_t mode;
	uint32_t major;
	uint32_t minor;
	uint32_t uid;
	uint32_t gid;
	uint32_t keep;
};

struct rt_op_bind_device {
	uint32_t tree;
	struct rt_str source;
	struct rt_str path;
	uint32_t mode;
	uint32_t major;
	uint32_t minor;
};

struct rt_op_make_link {
	struct rt_str path;
	struct rt_str target;
	uint32_t exact;
};

struct rt_op_terminal {
	uint32_t width;
	uint32_t height;
	uint32_t controlling;
};

struct rt_op_console {
	struct rt_str path;
};

struct rt_op_mask_path {
	struct rt_str path;
};

struct rt_op_readonly_path {
	struct rt_str path;
};

struct rt_op_open_log {
	uint32_t slot;
	struct rt_str path;
};

struct rt_op_hook {
	struct rt_str path;
	struct rt_strs args;
	struct rt_strs env;
	struct rt_str before;
	struct rt_str after;
	uint32_t timeout_ms;
	uint32_t in_root;
	uint32_t add_home;
	uint32_t out;
	uint32_t err;
};

struct rt_op_remove_mount {
	struct rt_str destination;
};

struct rt_op_open_mount {
	uint32_t slot;
	struct rt_str destination;
};

struct rt_op_unmount {
	struct rt_str path;
};

struct rt_op_move_root {
	uint32_t detach;
};

struct rt_op_set_hostname {
	struct rt_str name;
};

struct rt_op_set_domainname {
	struct rt_str name;
};

struct rt_op_sysctl {
	struct rt_str path;
	struct rt_str value;
	uint32_t host;
};

struct rt_op_oom_score_adj {
	int32_t value;
	uint32_t ignore;
};

struct rt_op_rlimit {
	uint32_t resource;
	uint64_t soft;
	uint64_t hard;
};

struct rt_op_cpu_affinity {
	struct rt_bytes cpus;
};

struct rt_op_scheduler {
	uint32_t pid;
	uint32_t policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime;
	uint64_t deadline;
	uint64_t period;
};

struct rt_op_io_priority {
	uint32_t value;
};

struct rt_op_personality {
	uint32_t persona;
};

struct rt_op_memory_policy {
	uint32_t mode;
	struct rt_bytes nodes;
};

struct rt_op_security_attribute {
	struct rt_str name;
	struct rt_str value;
	struct rt_str expected;
};

struct rt_op_umask {
	uint32_t mask;
};

struct rt_op_stdio_owner {
	uint32_t uid;
	uint32_t user;
	uint32_t null;
};

struct rt_op_drop_bounding {
	uint64_t keep;
	uint32_t last;
};

struct rt_op_set_user {
	uint32_t uid;
	uint32_t gid;
	struct rt_u32s groups;
	uint32_t keep_groups;
};

struct rt_op_set_capabilities {
	uint64_t effective;
	uint64_t permitted;
	uint64_t inheritable;
	uint64_t ambient;
};

struct rt_op_change_directory {
	struct rt_str path;
	uint32_t phase;
};

struct rt_op_find_program {
	struct rt_str name;
	struct rt_str search;
};

struct rt_op_find_home {
	uint32_t uid;
};

struct rt_op_seccomp {
	uint32_t flags;
	uint32_t at_execve;
};

struct rt_op_seccomp_receiver {
	struct rt_str path;
};

struct rt_op_seccomp_notify {
	uint32_t flags;
	struct rt_strs state;
};

struct rt_op_end_on_signals {
	uint64_t signals;
};

struct rt_op_await_start {
	uint32_t how;
};

struct rt_op_pass_descriptors {
	uint32_t first;
	struct rt_u32s slots;
};

struct rt_op_make_mount_point {
	struct rt_str path;
	uint32_t directory;
};

struct rt_op_exec {
	struct rt_strs args;
	struct rt_strs env;
};

enum rt_groups_rule {
	RT_GROUPS_RULE_SET = 0,
	RT_GROUPS_RULE_KEEP = 1,
	RT_GROUPS_RULE_SET_IF_ALLOWED = 2,
};

enum { RT_WRITE_FILES_PATHS_MOST = 32 };

enum rt_open_tree_flags {
	RT_OPEN_TREE_RECURSIVE = 1,
	RT_OPEN_TREE_PLAIN_DIRECTORY = 2,
	RT_OPEN_TREE_IN_ROOT = 4,
	RT_OPEN_TREE_NOFOLLOW = 8,
	RT_OPEN_TREE_OPTIONAL = 16,
};

enum rt_mount_filesystem_flags {
	RT_MOUNT_FILESYSTEM_PLAIN_DIRECTORY = 1,
	RT_MOUNT_FILESYSTEM_INHERIT_MODE = 2,
	RT_MOUNT_FILESYSTEM_COPY_UP = 4,
	RT_MOUNT_FILESYSTEM_INHERIT_OWNER = 8,
	RT_MOUNT_FILESYSTEM_MAY_COVER_PROC = 16,
};

enum rt_mount_bind_flags {
	RT_MOUNT_BIND_RECURSIVE = 1,
	RT_MOUNT_BIND_NEEDS_PROCFS = 2,
	RT_MOUNT_BIND_PLAIN_DESTINATION = 4,
	RT_MOUNT_BIND_MAY_COVER_PROC = 8,
	RT_MOUNT_BIND_SOURCE_NOFOLLOW = 16,
	RT_MOUNT_BIND_DESTINATION_NOFOLLOW = 32,
};

enum rt_change_directory_phase {
	RT_CHANGE_DIRECTORY_SET_UP = 0,
	RT_CHANGE_DIRECTORY_USER = 1,
};

enum { RT_SECCOMP_NOTIFY_STATE_MOST = 8 };

enum rt_await_start_how {
	RT_AWAIT_START_CONTROL = 0,
	RT_AWAIT_START_LISTENER = 1,
};

struct rt_op {
	enum rt_op_code code;
	union {
		struct rt_op_cgroup_create cgroup_create;
		struct rt_op_cgroup_enable cgroup_enable;
		struct rt_op_write_file write_file;
		struct rt_op_write_files write_files;
		struct rt_op_write_first write_first;
		struct rt_op_cgroup_delegate cgroup_delegate;
		struct rt_op_write_device_rules write_device_rules;
		struct rt_op_device_program device_program;
		struct rt_op_resctrl_group resctrl_group;
		struct rt_op_net_device net_device;
		struct rt_op_raise_limit raise_limit;
		struct rt_op_user_namespace user_namespace;
		struct rt_op_check_id_maps check_id_maps;
		struct rt_op_become_root become_root;
		struct rt_op_open_tree open_tree;
		struct rt_op_open_filesystem open_filesystem;
		struct rt_op_idmap_tree idmap_tree;
		struct rt_op_open_time_offsets open_time_offsets;
		struct rt_op_clone_init clone_init;
		struct rt_op_cgroup_join cgroup_join;
		struct rt_op_unshare unshare;
		struct rt_op_namespace_open namespace_open;
		struct rt_op_namespace_join namespace_join;
		struct rt_op_time_namespace time_namespace;
		struct rt_op_session_keyring session_keyring;
		struct rt_op_container_user_namespace container_user_namespace;
		struct rt_op_open_process_root open_process_root;
		struct rt_op_join_process join_process;
		struct rt_op_outlive outlive;
		struct rt_op_enter_mount_namespace enter_mount_namespace;
		struct rt_op_mount_locked mount_locked;
		struct rt_op_clone_locked clone_locked;
		struct rt_op_lock_trees lock_trees;
		struct rt_op_set_propagation set_propagation;
		struct rt_op_open_root open_root;
		struct rt_op_open_root_directory open_root_directory;
		struct rt_op_hold_root hold_root;
		struct rt_op_mount_filesystem mount_filesystem;
		struct rt_op_mount_bind mount_bind;
		struct rt_op_mount_attributes mount_attributes;
		struct rt_op_mount_propagation mount_propagation;
		struct rt_op_make_directory make_directory;
		struct rt_op_make_device make_device;
		struct rt_op_bind_device bind_device;
		struct rt_op_make_link make_link;
		struct rt_op_terminal terminal;
		struct rt_op_console console;
		struct rt_op_mask_path mask_path;
		struct rt_op_readonly_path readonly_path;
		struct rt_op_open_log open_log;
		struct rt_op_hook hook;
		struct rt_op_remove_mount remove_mount;
		struct rt_op_open_mount open_mount;
		struct rt_op_unmount unmount;
		struct rt_op_move_root move_root;
		struct rt_op_set_hostname set_hostname;
		struct rt_op_set_domainname set_domainname;
		struct rt_op_sysctl sysctl;
		struct rt_op_oom_score_adj oom_score_adj;
		struct rt_op_rlimit rlimit;
		struct rt_op_cpu_affinity cpu_affinity;
		struct rt_op_scheduler scheduler;
		struct rt_op_io_priority io_priority;
		struct rt_op_personality personality;
		struct rt_op_memory_policy memory_policy;
		struct rt_op_security_attribute security_attribute;
		struct rt_op_umask umask;
		struct rt_op_stdio_owner stdio_owner;
		struct rt_op_drop_bounding drop_bounding;
		struct rt_op_set_user set_user;
		struct rt_op_set_capabilities set_capabilities;
		struct rt_op_change_directory change_directory;
		struct rt_op_find_program find_program;
		struct rt_op_find_home find_home;
		struct rt_op_seccomp seccomp;
		struct rt_op_seccomp_receiver seccomp_receiver;
		struct rt_op_seccomp_notify seccomp_notify;
		struct rt_op_end_on_signals end_on_signals;
		struct rt_op_await_start await_start;
		struct rt_op_pass_descriptors pass_descriptors;
		struct rt_op_make_mount_point make_mount_point;
		struct rt_op_exec exec;
	};
};

/* Reads the fields of one op; false when a field does not fit or a slot is out of range. */
bool rt_decode_op(struct rt_reader *reader, uint32_t code, struct rt_op *op);

/* True for an op that the runtime process may run itself. */
bool rt_op_is_host(enum rt_op_code code);

struct rt_context;

/* Each runs one op: 0 or a negative errno, with context->call set (rt_fail). */
int rt_cgroup_create(struct rt_context *context, const struct rt_op_cgroup_create *op);
int rt_cgroup_enable(struct rt_context *context, const struct rt_op_cgroup_enable *op);
int rt_write_file(struct rt_context *context, const struct rt_op_write_file *op);
int rt_write_files(struct rt_context *context, const struct rt_op_write_files *op);
int rt_write_first(struct rt_context *context, const struct rt_op_write_first *op);
int rt_cgroup_delegate(struct rt_context *context, const struct rt_op_cgroup_delegate *op);
int rt_write_device_rules(struct rt_context *context, const struct rt_op_write_device_rules *op);
int rt_device_program(struct rt_context *context, const struct rt_op_device_program *op);
int rt_resctrl_group(struct rt_context *context, const struct rt_op_resctrl_group *op);
int rt_net_device(struct rt_context *context, const struct rt_op_net_device *op);
int rt_raise_limit(struct rt_context *context, const struct rt_op_raise_limit *op);
int rt_user_namespace(struct rt_context *context, const struct rt_op_user_namespace *op);
int rt_check_id_maps(struct rt_context *context, const struct rt_op_check_id_maps *op);
int rt_become_root(struct rt_context *context, const struct rt_op_become_root *op);
int rt_open_tree(struct rt_context *context, const struct rt_op_open_tree *op);
int rt_open_filesystem(struct rt_context *context, const struct rt_op_open_filesystem *op);
int rt_idmap_tree(struct rt_context *context, const struct rt_op_idmap_tree *op);
int rt_open_time_offsets(struct rt_context *context, const struct rt_op_open_time_offsets *op);
int rt_clone_init(struct rt_context *context, const struct rt_op_clone_init *op);
int rt_await_unit(struct rt_context *context);
int rt_await_cgroups(struct rt_context *context);
int rt_await_limits(struct rt_context *context);
int rt_cgroup_join(struct rt_context *context, const struct rt_op_cgroup_join *op);
int rt_unshare(struct rt_context *context, const struct rt_op_unshare *op);
int rt_namespace_open(struct rt_context *context, const struct rt_op_namespace_open *op);
int rt_namespace_join(struct rt_context *context, const struct rt_op_namespace_join *op);
int rt_time_namespace(struct rt_context *context, const struct rt_op_time_namespace *op);
int rt_session_keyring(struct rt_context *context, const struct rt_op_session_keyring *op);
int rt_container_user_namespace(struct rt_context *context, const struct rt_op_container_user_namespace *op);
int rt_open_process_root(struct rt_context *context, const struct rt_op_open_process_root *op);
int rt_join_process(struct rt_context *context, const struct rt_op_join_process *op);
int rt_outlive(struct rt_context *context, const struct rt_op_outlive *op);
int rt_loopback_up(struct rt_context *context);
int rt_enter_mount_namespace(struct rt_context *context, const struct rt_op_enter_mount_namespace *op);
int rt_mount_locked(struct rt_context *context, const struct rt_op_mount_locked *op);
int rt_clone_locked(struct rt_context *context, const struct rt_op_clone_locked *op);
int rt_lock_trees(struct rt_context *context, const struct rt_op_lock_trees *op);
int rt_refuse_pinned(struct rt_context *context);
int rt_set_propagation(struct rt_context *context, const struct rt_op_set_propagation *op);
int rt_open_root(struct rt_context *context, const struct rt_op_open_root *op);
int rt_open_root_directory(struct rt_context *context, const struct rt_op_open_root_directory *op);
int rt_hold_root(struct rt_context *context, const struct rt_op_hold_root *op);
int rt_mount_filesystem(struct rt_context *context, const struct rt_op_mount_filesystem *op);
int rt_mount_bind(struct rt_context *context, const struct rt_op_mount_bind *op);
int rt_mount_attributes(struct rt_context *context, const struct rt_op_mount_attributes *op);
int rt_mount_propagation(struct rt_context *context, const struct rt_op_mount_propagation *op);
int rt_make_directory(struct rt_context *context, const struct rt_op_make_directory *op);
int rt_make_device(struct rt_context *context, const struct rt_op_make_device *op);
int rt_bind_device(struct rt_context *context, const struct rt_op_bind_device *op);
int rt_make_link(struct rt_context *context, const struct rt_op_make_link *op);
int rt_terminal(struct rt_context *context, const struct rt_op_terminal *op);
int rt_console(struct rt_context *context, const struct rt_op_console *op);
int rt_mask_path(struct rt_context *context, const struct rt_op_mask_path *op);
int rt_readonly_path(struct rt_context *context, const struct rt_op_readonly_path *op);
int rt_await_hooks(struct rt_context *context);
int rt_open_log(struct rt_context *context, const struct rt_op_open_log *op);
int rt_hook(struct rt_context *context, const struct rt_op_hook *op);
int rt_remove_mount(struct rt_context *context, const struct rt_op_remove_mount *op);
int rt_open_mount(struct rt_context *context, const struct rt_op_open_mount *op);
int rt_unmount(struct rt_context *context, const struct rt_op_unmount *op);
int rt_pivot_root(struct rt_context *context);
int rt_move_root(struct rt_context *context, const struct rt_op_move_root *op);
int rt_chroot(struct rt_context *context);
int rt_set_hostname(struct rt_context *context, const struct rt_op_set_hostname *op);
int rt_set_domainname(struct rt_context *context, const struct rt_op_set_domainname *op);
int rt_sysctl(struct rt_context *context, const struct rt_op_sysctl *op);
int rt_oom_score_adj(struct rt_context *context, const struct rt_op_oom_score_adj *op);
int rt_rlimit(struct rt_context *context, const struct rt_op_rlimit *op);
int rt_cpu_affinity(struct rt_context *context, const struct rt_op_cpu_affinity *op);
int rt_scheduler(struct rt_context *context, const struct rt_op_scheduler *op);
int rt_await_scheduler(struct rt_context *context);
int rt_io_priority(struct rt_context *context, const struct rt_op_io_priority *op);
int rt_personality(struct rt_context *context, const struct rt_op_personality *op);
int rt_memory_policy(struct rt_context *context, const struct rt_op_memory_policy *op);
int rt_security_attribute(struct rt_context *context, const struct rt_op_security_attribute *op);
int rt_umask(struct rt_context *context, const struct rt_op_umask *op);
int rt_stdio_owner(struct rt_context *context, const struct rt_op_stdio_owner *op);
int rt_drop_bounding(struct rt_context *context, const struct rt_op_drop_bounding *op);
int rt_set_user(struct rt_context *context, const struct rt_op_set_user *op);
int rt_set_capabilities(struct rt_context *context, const struct rt_op_set_capabilities *op);
int rt_fork_init(struct rt_context *context);
int rt_change_directory(struct rt_context *context, const struct rt_op_change_directory *op);
int rt_no_new_privs(struct rt_context *context);
int rt_find_program(struct rt_context *context, const struct rt_op_find_program *op);
int rt_find_home(struct rt_context *context, const struct rt_op_find_home *op);
int rt_seccomp(struct rt_context *context, const struct rt_op_seccomp *op);
int rt_seccomp_receiver(struct rt_context *context, const struct rt_op_seccomp_receiver *op);
int rt_seccomp_notify(struct rt_context *context, const struct rt_op_seccomp_notify *op);
int rt_end_on_signals(struct rt_context *context, const struct rt_op_end_on_signals *op);
int rt_await_start(struct rt_context *context, const struct rt_op_await_start *op);
int rt_pass_descriptors(struct rt_context *context, const struct rt_op_pass_descriptors *op);
int rt_make_mount_point(struct rt_context *context, const struct rt_op_make_mount_point *op);
int rt_exec(struct rt_context *context, const struct rt_op_exec *op);

/* Runs the one that `op` is for. */
int rt_run_op(struct rt_context *context, const struct rt_op *op);

#endif
