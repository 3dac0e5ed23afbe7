/* Finds the program with the user's credentials, and executes it. */
#include "context.h"
#include "filter.h"
#include "record.h"
#include "signals.h"
#include "sys.h"
#include "vector.h"

enum { X_OK_MODE = 1 };

/* Returns 0 if `path` is a regular file that the user may execute. */
static int check_program(const char *path)
{
	struct statx st;
	long status = rt_sys(statx, AT_FDCWD, path, 0, STATX_TYPE, &st);
	if (status < 0)
		return (int)status;
	if ((st.stx_mode & S_IFMT) == S_IFDIR)
		return -EISDIR;
	/* The kernel executes only regular files, and opening a device or FIFO has side effects. */
	if ((st.stx_mode & S_IFMT) != S_IFREG)
		return -EACCES;
	return (int)rt_sys(faccessat2, AT_FDCWD, path, X_OK_MODE, AT_EACCESS);
}

static void read_head(struct rt_context *context)
{
	RT_CLEANUP_FD int fd =
		rt_open_how(AT_FDCWD, context->program, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, 0);
	if (fd < 0)
		return; /* executable but not readable; the head only helps to explain a failure */
	long size = rt_sys(read, fd, context->head, sizeof(context->head));
	context->head_length = size > 0 ? (uint32_t)size : 0;
}

static bool join_path(char *path, const char *directory, size_t length, const char *name)
{
	size_t at = 0, size = rt_strlen(name);
	if (length + 1 + size >= RT_PATH_MAX)
		return false;
	for (; at < length; at++)
		path[at] = directory[at];
	if (length > 0)
		path[at++] = '/';
	for (size_t i = 0; i <= size; i++)
		path[at + i] = name[i];
	return true;
}

int rt_find_program(struct rt_context *context, const struct rt_op_find_program *op)
{
	const char *name = op->name.data;
	bool slash = false;
	int closed = rt_close_rest(context);
	if (closed < 0)
		return closed;
	for (const char *at = name; *at != '\0'; at++)
		slash = slash || *at == '/';
	if (slash) {
		if (!join_path(context->program, "", 0, name))
			return rt_fail(context, "execve", -ENAMETOOLONG);
		int status = check_program(context->program);
		if (status < 0)
			return rt_fail(context, "execve", status);
		read_head(context);
		return 0;
	}
	for (const char *at = op->search.data; *at != '\0';) {
		size_t length = 0;
		while (at[length] != '\0' && at[length] != ':')
			length++;
		/* Skips empty elements, which mean the working directory: programs are never taken from there. */
		if (length > 0 && join_path(context->program, at, length, name) &&
			check_program(context->program) == 0) {
			read_head(context);
			return 0;
		}
		at += length + (at[length] == ':');
	}
	return rt_fail(context, "execve", -ENOENT);
}

int rt_pass_descriptors(struct rt_context *context, const struct rt_op_pass_descriptors *op)
{
	long status = rt_sys(dup3, context->control, op->first, 0);
	context->passed_first = op->first;
	context->passed_count = 1 + op->slots.count;
	for (uint32_t i = 0; i < op->slots.count && status >= 0; i++) {
		uint32_t slot = rt_u32_at(&op->slots, i);
		status = slot >= RT_SLOTS ? -EBADF : rt_sys(dup3, context->slots[slot], op->first + 1 + i, 0);
	}
	return status < 0 ? rt_fail(context, "dup3", status) : 0;
}

int rt_exec(struct rt_context *context, const struct rt_op_exec *op)
{
	const char **args = rt_string_vector(op->args, "");
	const char **env = rt_string_vector(op->env, context->home);
	if (args == NULL || env == NULL)
		return rt_fail(context, "mmap", -ENOMEM);
	/* Closes what rt_close_rest kept, except the socket that reports the result of execve. */
	rt_context_close(context);
	rt_close(&context->listener);
	rt_default_signals();
	/* Last, so that the filter need not allow our own system calls. */
	long status =
		context->filter_at_execve == NULL ? 0 : rt_load_filter(context, context->filter_at_execve);
	if (status < 0)
		return (int)status;
	status = rt_sys(execve, context->program, args, env);
	/* The failure's detail: the path, a NUL, the head of the file. */
	uint32_t length = (uint32_t)rt_strlen(context->program) + 1;
	for (uint32_t i = 0; i < length; i++)
		context->detail[i] = context->program[i];
	for (uint32_t i = 0; i < context->head_length; i++)
		context->detail[length + i] = context->head[i];
	context->detail_length = length + context->head_length;
	return rt_fail(context, "execve", status);
}
