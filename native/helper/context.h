/* State shared by the ops of one program. */
#ifndef RT_CONTEXT_H
#define RT_CONTEXT_H

#include "../generated/ops.h"
#include "trace.h"

struct rt_filter;

enum { RT_PATH_MAX = 4096, RT_HEAD_MAX = 1024, RT_DETAIL_MAX = 9216, RT_LOGS_MAX = 2 };

struct rt_context {
	int slots[RT_SLOTS]; /* descriptors kept between ops; slot 0 is the container's root */
	int control;         /* connection to the runtime, or to `start` after await_start */
	int listener;        /* listening socket for `start`, or a pidfd of the container to enter */
	int filter;          /* the seccomp filter arrives here */
	int first;           /* descriptors from here on are the helper's, not the program's */
	const struct rt_filter *filter_at_execve; /* load right before each execve; NULL: none */
	int null_device;                          /* the host's, opened for the first mask */
	bool null_detached;         /* null_device is a mount, to be attached as the first mask */
	int empty_directory;        /* the first masked directory's mount, cloned for the others */
	int self;                   /* this process's directory in the host's procfs, opened before forking */
	int procfs;                 /* private */
	bool procfs_whole;          /* not mounted with subset=pid */
	int receiver;               /* socket for the seccomp listener, connected by seccomp_receiver */
	uint32_t logs[RT_LOGS_MAX]; /* slots of hook output files */
	uint32_t log_count;
	uint32_t passed_first, passed_count; /* descriptors passed to a program on the host */
	bool rest_closed;                    /* rt_close_rest was called */
	bool pid_joined;                     /* children will be in another pid namespace */
	uint32_t entered;  /* CLONE_NEW* of namespaces that need not be joined any more, nor have a slot */
	char host_pid[12]; /* this process's pid in the runtime's pid namespace */
	struct rt_trace *trace; /* NULL: not tracing */
	uint32_t trace_number;  /* number of this program in the trace */
	bool made;              /* the last resolved path was missing and has been created */
	bool directory_put_off;
	char program[RT_PATH_MAX]; /* found by find_program */
	char head[RT_HEAD_MAX];    /* its first bytes, to explain a failing execve */
	uint32_t head_length;
	char home[RT_PATH_MAX];    /* empty if process.env sets it */
	uint64_t ungrantable;      /* capabilities that an op asked for and that this process cannot have */
	uint64_t ungrantable_told; /* those of them that are reported */
	uint32_t op;               /* index of the running op */
	const char *call;          /* the last system call that failed */
	uint32_t item;             /* index of the failing part of an op with several */
	char detail[RT_DETAIL_MAX];
	uint32_t detail_length;
	bool hook_failed; /* a hook failed: outcome and value give the reason */
	uint32_t hook_outcome;
	uint32_t hook_value;
};

void rt_context_init(struct rt_context *context, int control, int listener);
void rt_context_close(struct rt_context *context);

/* Closes all descriptors that the last steps do not need, so that no container path can resolve through a
 * host descriptor (/proc/self/fd) and no process of the container can find one in this process. Only once: a
 * seccomp filter loaded later need not allow close_range(2). Returns 0 or a negative errno. */
int rt_close_rest(struct rt_context *context);

/* Records the failing call and returns the result. */
static inline int rt_fail(struct rt_context *context, const char *call, long result)
{
	context->call = call;
	return (int)result;
}

/* Runs the ops of a checked program until one fails. Returns 0 or a negative errno; *index is the last op run. */
int rt_run_ops(struct rt_context *context, const struct rt_program *program, uint32_t *index);

enum rt_missing { RT_MISSING_FAILS, RT_MISSING_DIRECTORY, RT_MISSING_FILE };

/* Opens an absolute container path, resolved below the root, with O_PATH. `missing` controls what is created
 * if it does not exist. `plain` refuses symbolic links in the path. */
int rt_resolve(
	struct rt_context *context, const char *path, enum rt_missing missing, uint32_t mode, bool plain);

/* Opens the parent directory of an absolute container path with O_PATH; `name` is the last component. */
int rt_resolve_parent(
	struct rt_context *context, const char *path, enum rt_missing missing, bool plain, const char **name);

/* Stores this process's pid in the runtime's pid namespace, for later messages. */
void rt_note_host_pid(struct rt_context *context, uint32_t pid);

/* Makes this process non-dumpable (PR_SET_DUMPABLE, prctl(2)), so that others cannot access it; a change of
 * credentials resets that. Returns 0 or a negative errno. */
int rt_hide(struct rt_context *context);

/* Ends this process when its parent dies (PR_SET_PDEATHSIG). Returns 0 or a negative errno. */
int rt_end_with_parent(struct rt_context *context);

/* Opens a private procfs in context->procfs. It is mounted nowhere, so the container cannot cover it. Unless
 * `whole`, it is limited to processes (subset=pid). */
int rt_open_procfs(struct rt_context *context, bool whole);

/* Opens a procfs that shows this process in context->procfs, unless one is open: a private one or, where that may
 * not be created, the one mounted on /proc, whose files are to be opened with RESOLVE_NO_XDEV. */
int rt_open_any_procfs(struct rt_context *context);

/* Opens this process's descriptor directory in a procfs that no container can have covered. An O_PATH
 * descriptor can be reopened through it as exactly the file that was inspected. */
int rt_open_descriptors(struct rt_context *context);

/* Reopens an O_PATH descriptor for use; `descriptors` comes from rt_open_descriptors. */
int rt_open_again(int descriptors, int fd, uint64_t flags);

/* Opens a /proc file of this process for writing: a descriptor or a negative errno. Call before anything is
 * shared with a container. */
int rt_open_own_file(const char *path);

#endif
