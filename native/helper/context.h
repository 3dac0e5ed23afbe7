/* What the ops of one program share. */
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

/* Keeps the number by which the runtime and the host know this process, for whoever is told of it. */
void rt_note_host_pid(struct rt_context *context, uint32_t pid);

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

#endif
