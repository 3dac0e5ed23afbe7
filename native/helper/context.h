/* What the ops of one program share, and the functions that run them (one for each op of docs/ops.md). */
#ifndef RT_CONTEXT_H
#define RT_CONTEXT_H

#include "../generated/ops.h"
#include "trace.h"

struct rt_filter;

enum { RT_PATH_MAX = 4096, RT_HEAD_MAX = 1024, RT_DETAIL_MAX = 9216, RT_LOGS_MAX = 2 };

struct rt_context {
	int slots[RT_SLOTS]; /* descriptors kept between ops; slot 0 is the container's root */
	int control;         /* to the runtime; after await_start the connection of `start` */
	int listener;        /* where `start` connects, or a pidfd of the container that is entered */
	int filter;          /* the seccomp filter comes over it */
	int first;           /* all descriptors from here on are the helper's, none the program's */
	const struct rt_filter *filter_at_execve; /* to be loaded right before each execve; NULL: none */
	int null_device;                          /* the host's, opened by the first mask */
	int empty_directory;        /* a mount of the first masked directory, cloned for the others */
	int self;                   /* the directory of this process in the host's procfs; before it forks */
	int procfs;                 /* private */
	bool procfs_whole;          /* with what is not about processes */
	int receiver;               /* of the seccomp listener, connected by seccomp_receiver */
	uint32_t logs[RT_LOGS_MAX]; /* slots of the files that hooks write to */
	uint32_t log_count;
	uint32_t passed_first, passed_count; /* descriptors for a program of the host */
	bool rest_closed;                    /* by rt_close_rest */
	bool pid_joined;                     /* children are born in another pid namespace */
	char host_pid[12];                   /* of this process, as the runtime knows it */
	struct rt_trace *trace;              /* NULL: what the ops do is not noted */
	uint32_t trace_number;               /* of the program in it */
	bool made;                           /* the path resolved last was missing */
	bool directory_put_off;
	char program[RT_PATH_MAX]; /* found by find_program */
	char head[RT_HEAD_MAX];    /* first bytes of it, to explain a failing execve */
	uint32_t head_length;
	char home[RT_PATH_MAX]; /* `HOME=...`, empty when the program has its own */
	const char *call;       /* the system call that failed last */
	uint32_t item;          /* which part of an op with several failed */
	char detail[RT_DETAIL_MAX];
	uint32_t detail_length;
	bool hook_failed; /* the failing op is a hook that ran: outcome and value say how it ended */
	uint32_t hook_outcome;
	uint32_t hook_value;
};

void rt_context_init(struct rt_context *context, int control, int listener);
void rt_context_close(struct rt_context *context);

/* Closes every descriptor that is not needed to take the last steps: no name that is resolved for the container may lead
 * through one of the host's (/proc/self/fd), and no process of the container may find one in this process. Once: a
 * seccomp filter that is in force later need not allow close_range(2). 0 or a negative errno. */
int rt_close_rest(struct rt_context *context);

/* Notes the failing call and passes the result on. */
static inline int rt_fail(struct rt_context *context, const char *call, long result)
{
	context->call = call;
	return (int)result;
}

/* Runs one op: 0 or a negative errno, with context->call set. */
int rt_run_op(struct rt_context *context, struct rt_op *op);

/* Runs the ops of a checked program until one fails: 0 or a negative errno, with *index that of the last op. */
int rt_run_ops(struct rt_context *context, const struct rt_program *program, uint32_t *index);

enum rt_missing { RT_MISSING_FAILS, RT_MISSING_DIRECTORY, RT_MISSING_FILE };

/* An O_PATH descriptor of an absolute container path, resolved below the root. What is missing is made as
 * `missing` says. `plain` refuses symbolic links on the way. */
int rt_resolve(
	struct rt_context *context, const char *path, enum rt_missing missing, uint32_t mode, bool plain);

/* An O_PATH descriptor of the parent directory of an absolute container path; `name` is the last component. */
int rt_resolve_parent(
	struct rt_context *context, const char *path, enum rt_missing missing, bool plain, const char **name);

/* Nobody may look into this process from now on (prctl(2), PR_SET_DUMPABLE); a change of credentials takes that back. 0 or
 * a negative errno. */
int rt_hide(struct rt_context *context);

/* It ends with the one that made it (PR_SET_PDEATHSIG). 0 or a negative errno. */
int rt_end_with_parent(struct rt_context *context);

/* Keeps a private procfs in context->procfs: mounted nowhere, so nothing in the container covers it. It has no more
 * than processes in it unless it is to be `whole`. */
int rt_open_procfs(struct rt_context *context, bool whole);

/* The directory of this process's descriptors, in a procfs that no container can have covered: what is open there with
 * O_PATH can be opened for use, as the file that was looked at. */
int rt_open_descriptors(struct rt_context *context);

/* Opens a file for use that is open with O_PATH; `descriptors` is what rt_open_descriptors returned. */
int rt_open_again(int descriptors, int fd, uint64_t flags);

/* A file of this process's own in /proc, opened for writing: a descriptor or a negative errno. Before anything is
 * shared with a container. */
int rt_open_own_file(const char *path);

int rt_cgroup_create(struct rt_context *context, struct rt_op_cgroup_create *op);
int rt_cgroup_enable(struct rt_context *context, struct rt_op_cgroup_enable *op);
int rt_write_file(struct rt_context *context, const struct rt_op_write_file *op);
int rt_write_files(struct rt_context *context, struct rt_op_write_files *op);
int rt_write_first(struct rt_context *context, struct rt_op_write_first *op);
int rt_cgroup_delegate(struct rt_context *context, struct rt_op_cgroup_delegate *op);
int rt_write_device_rules(struct rt_context *context, struct rt_op_write_device_rules *op);
int rt_device_program(struct rt_context *context, const struct rt_op_device_program *op);
int rt_resctrl_group(struct rt_context *context, const struct rt_op_resctrl_group *op);
int rt_net_device(struct rt_context *context, const struct rt_op_net_device *op);
int rt_raise_limit(struct rt_context *context, const struct rt_op_raise_limit *op);
int rt_user_namespace(struct rt_context *context, const struct rt_op_user_namespace *op);
int rt_check_id_maps(struct rt_context *context, const struct rt_op_check_id_maps *op);
int rt_become_root(struct rt_context *context, const struct rt_op_become_root *op);
int rt_open_tree(struct rt_context *context, const struct rt_op_open_tree *op);
int rt_idmap_tree(struct rt_context *context, const struct rt_op_idmap_tree *op);
int rt_open_time_offsets(struct rt_context *context, const struct rt_op_open_time_offsets *op);
int rt_clone_init(struct rt_context *context, const struct rt_op_clone_init *op);
int rt_cgroup_join(struct rt_context *context, const struct rt_op_cgroup_join *op);

int rt_unshare(struct rt_context *context, const struct rt_op_unshare *op);
int rt_namespace_open(struct rt_context *context, const struct rt_op_namespace_open *op);
int rt_namespace_join(struct rt_context *context, const struct rt_op_namespace_join *op);
int rt_time_namespace(struct rt_context *context, const struct rt_op_time_namespace *op);
int rt_container_user_namespace(struct rt_context *context, const struct rt_op_container_user_namespace *op);
int rt_open_process_root(struct rt_context *context, const struct rt_op_open_process_root *op);
int rt_join_process(struct rt_context *context, const struct rt_op_join_process *op);
int rt_outlive(struct rt_context *context, const struct rt_op_outlive *op);
int rt_session_keyring(struct rt_context *context, const struct rt_op_session_keyring *op);
int rt_loopback_up(struct rt_context *context);
int rt_set_hostname(struct rt_context *context, const struct rt_op_set_hostname *op);
int rt_set_domainname(struct rt_context *context, const struct rt_op_set_domainname *op);
int rt_sysctl(struct rt_context *context, const struct rt_op_sysctl *op);

int rt_set_propagation(struct rt_context *context, const struct rt_op_set_propagation *op);
int rt_open_root(struct rt_context *context, const struct rt_op_open_root *op);
int rt_open_root_directory(struct rt_context *context, const struct rt_op_open_root_directory *op);
int rt_hold_root(struct rt_context *context, const struct rt_op_hold_root *op);
int rt_unmount(struct rt_context *context, const struct rt_op_unmount *op);
int rt_remove_mount(struct rt_context *context, const struct rt_op_remove_mount *op);
int rt_open_mount(struct rt_context *context, const struct rt_op_open_mount *op);
int rt_mount_filesystem(struct rt_context *context, struct rt_op_mount_filesystem *op);
int rt_mount_bind(struct rt_context *context, const struct rt_op_mount_bind *op);
int rt_mount_attributes(struct rt_context *context, const struct rt_op_mount_attributes *op);
int rt_mount_propagation(struct rt_context *context, const struct rt_op_mount_propagation *op);
int rt_mask_path(struct rt_context *context, const struct rt_op_mask_path *op);
int rt_readonly_path(struct rt_context *context, const struct rt_op_readonly_path *op);
int rt_pivot_root(struct rt_context *context);
int rt_move_root(struct rt_context *context, const struct rt_op_move_root *op);
int rt_chroot(struct rt_context *context);

int rt_terminal(struct rt_context *context, const struct rt_op_terminal *op);
int rt_console(struct rt_context *context, const struct rt_op_console *op);

int rt_make_mount_point(struct rt_context *context, const struct rt_op_make_mount_point *op);
int rt_make_directory(struct rt_context *context, const struct rt_op_make_directory *op);
int rt_make_device(struct rt_context *context, const struct rt_op_make_device *op);
int rt_bind_device(struct rt_context *context, const struct rt_op_bind_device *op);
int rt_make_link(struct rt_context *context, const struct rt_op_make_link *op);

int rt_oom_score_adj(struct rt_context *context, const struct rt_op_oom_score_adj *op);
int rt_rlimit(struct rt_context *context, const struct rt_op_rlimit *op);
int rt_cpu_affinity(struct rt_context *context, const struct rt_op_cpu_affinity *op);
int rt_scheduler(struct rt_context *context, const struct rt_op_scheduler *op);
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
int rt_exec(struct rt_context *context, struct rt_op_exec *op);
int rt_pass_descriptors(struct rt_context *context, const struct rt_op_pass_descriptors *op);

int rt_open_log(struct rt_context *context, const struct rt_op_open_log *op);
int rt_hook(struct rt_context *context, struct rt_op_hook *op);
int rt_await_scheduler(struct rt_context *context);
int rt_await_runtime(struct rt_context *context);
int rt_host_hooks(struct rt_context *context);
int rt_await_start(struct rt_context *context, const struct rt_op_await_start *op);

#endif
