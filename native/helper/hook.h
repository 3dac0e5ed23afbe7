/* Runs a hook: in a container for the helper, on the host for the runtime. */
#ifndef RT_HOOK_H
#define RT_HOOK_H

#include <stddef.h>
#include <stdint.h>

struct rt_iovec;

enum rt_hook_outcome { RT_HOOK_EXITED, RT_HOOK_SIGNALLED, RT_HOOK_TIMED_OUT, RT_HOOK_NOT_RUN };

enum { RT_HOOK_OUTPUT_MAX = 4096 };

struct rt_filter;

struct rt_hook_result {
	uint32_t outcome; /* enum rt_hook_outcome */
	uint32_t value;   /* exit status, signal, or errno of execve */
	uint32_t out_length;
	uint32_t err_length;
	char out[RT_HOOK_OUTPUT_MAX]; /* last bytes of stdout, after "..." if there were more */
	char err[RT_HOOK_OUTPUT_MAX];
};

/* The hook runs in `directory` (-1: the current one). The `parts` of `input` are its stdin; `outputs` are its
 * stdout and stderr, captured in `result` if -1. `filter`, unless NULL, applies to the hook only. Returns 0,
 * or a negative errno if the hook could not be started or waited for. */
int rt_hook_run(const char *path, const char *const *args, const char *const *env, int directory,
	const struct rt_iovec *input, int parts, uint32_t timeout_ms, const int outputs[2],
	const struct rt_filter *filter, struct rt_hook_result *result);

#endif
