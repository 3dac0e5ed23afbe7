/* The exchange with the runtime, shown in docs/protocol.md. */
#include "decimal.h"
#include "descriptor.h"
#include "hook.h"
#include "record.h"
#include "sys.h"
#include "vector.h"

#include <asm/ioctls.h>
#include <linux/mman.h>
#include <linux/prctl.h>

enum { SOL_SOCKET_LEVEL = 1, SO_PEERCRED_OPTION = 17 };

int rt_report(
	struct rt_context *context, enum rt_record_kind kind, uint32_t op, uint32_t error, uint32_t value)
{
	const char *call = context->call == NULL ? "" : context->call;
	struct rt_record_header header = {.kind = kind,
		.op = op,
		.error = error,
		.value = value,
		.call_length = (uint32_t)rt_strlen(call),
		.detail_length = context->detail_length};
	struct rt_iovec parts[3] = {{&header, sizeof(header)}, {call, header.call_length},
		{context->detail, header.detail_length}};
	/* One message needs one call: write(2) would need a copy, and some seccomp profiles lack sendmsg. */
	long written = rt_sys(writev, context->control, parts, 3);
	size_t size = sizeof(header) + header.call_length + header.detail_length;
	/* A seccomp filter may return 0 without making the call. */
	return written < 0 ? (int)written : (size_t)written == size ? 0 : -EPIPE;
}

int rt_report_incomplete(struct rt_context *context, const char *call, long result)
{
	context->call = call;
	int status = rt_report(context, RT_RECORD_INCOMPLETE, context->op, (uint32_t)-result, 0);
	context->detail_length = 0;
	return status < 0 ? rt_fail(context, "writev", status) : 0;
}

int rt_report_forked(struct rt_context *context, enum rt_record_kind kind)
{
	context->call = NULL;
	context->detail_length = 0;
	int status = rt_report(context, kind, 0, 0, 0);
	return status < 0 ? rt_fail(context, "writev", status) : 0;
}

/* Reads a go-ahead byte; a negative errno on failure, -EPIPE at end of file. */
static int read_go_ahead(int socket)
{
	unsigned char byte;
	long size;
	do
		size = rt_sys(read, socket, &byte, 1);
	while (size == -EINTR);
	return size == 1 ? byte : size < 0 ? (int)size : -EPIPE;
}

int rt_await_go_ahead(int socket, enum rt_wait wait)
{
	int byte = read_go_ahead(socket);
	return byte < 0 ? byte : byte == (int)wait ? 0 : -EPROTO;
}

/* Waits for a step that the runtime takes unprompted. */
static int await_unprompted(struct rt_context *context, enum rt_wait wait)
{
	int status = rt_await_go_ahead(context->control, wait);
	return status < 0 ? rt_fail(context, "read", status) : 0;
}

/* Reports what this process waits for, and waits. */
static int announce_and_wait(struct rt_context *context, enum rt_wait wait)
{
	context->call = NULL;
	int status = rt_report(context, RT_RECORD_WAITING, 0, 0, wait);
	if (status == 0)
		status = rt_await_go_ahead(context->control, wait);
	return status < 0 ? rt_fail(context, "read", status) : 0;
}

int rt_await_unit(struct rt_context *context)
{
	return announce_and_wait(context, RT_WAIT_UNIT);
}

int rt_await_cgroups(struct rt_context *context)
{
	return await_unprompted(context, RT_WAIT_CGROUPS);
}

int rt_await_limits(struct rt_context *context)
{
	return await_unprompted(context, RT_WAIT_LIMITS);
}

int rt_await_hooks(struct rt_context *context)
{
	return announce_and_wait(context, RT_WAIT_HOOKS);
}

int rt_await_scheduler(struct rt_context *context)
{
	return announce_and_wait(context, RT_WAIT_SCHEDULER);
}

/* The peer's uid in this user namespace. */
static bool peer_uid(int socket, uint32_t *uid)
{
	struct {
		int32_t pid;
		uint32_t uid, gid;
	} credentials = {0, (uint32_t)-1, (uint32_t)-1};
	uint32_t size = sizeof(credentials);
	long status = rt_sys(getsockopt, socket, SOL_SOCKET_LEVEL, SO_PEERCRED_OPTION, &credentials, &size);
	*uid = credentials.uid;
	return status == 0;
}

/* Reads the byte from `start`: 0, or -EPIPE at end of file. Only when tracing does a second byte follow, with
 * the descriptor of the trace: a seccomp filter already loaded need not allow recvmsg(2). */
static int take_start(struct rt_context *context, int peer)
{
	char byte;
	struct rt_attached attached;
	int go_ahead = read_go_ahead(peer);
	if (go_ahead < 0)
		return go_ahead;
	if (go_ahead == RT_WAIT_START)
		return 0;
	if (go_ahead != RT_WAIT_START_TRACED)
		return -EPROTO;
	if (rt_receive_attached(peer, &byte, 1, &attached) <= 0)
		return 0;
	if (attached.fd >= 0) {
		context->trace = rt_trace_map(attached.fd);
		context->trace_number = RT_TRACE_STARTED;
	}
	rt_close(&attached.fd);
	return 0;
}

/* If `start` is killed before it sends its byte, the container waits for another one. */
static int accept_start(struct rt_context *context)
{
	uint32_t owner, uid;
	if (!peer_uid(context->control, &owner))
		return rt_fail(context, "getsockopt", -EPERM);
	rt_close(&context->control);
	for (;;) {
		RT_CLEANUP_FD int peer = (int)rt_sys(accept4, context->listener, NULL, NULL, O_CLOEXEC);
		if (peer == -EINTR || peer == -ECONNABORTED)
			continue;
		if (peer < 0)
			return rt_fail(context, "accept4", peer);
		if (!peer_uid(peer, &uid) || uid != owner || take_start(context, peer) < 0)
			continue;
		context->control = rt_steal_fd(&peer);
		rt_close(&context->listener);
		return 0;
	}
}

int rt_await_start(struct rt_context *context, const struct rt_op_await_start *op)
{
	/* From here on, end of file means that the runtime died before it had saved the container. The death
	 * signal is cleared first, because `create` exits as soon as it has sent its byte. */
	rt_sys(prctl, PR_SET_PDEATHSIG, 0, 0, 0, 0);
	context->call = NULL;
	int status = rt_report(context, RT_RECORD_READY, 0, 0, 0);
	if (status == 0)
		status = rt_await_go_ahead(
			context->control, op->how == RT_AWAIT_START_LISTENER ? RT_WAIT_SAVED : RT_WAIT_START);
	if (status < 0)
		return rt_fail(context, "read", status);
	return op->how == RT_AWAIT_START_LISTENER ? accept_start(context) : 0;
}

/* With CLONE_PARENT the new process is a child of the runtime, like this one. The kernel writes its pid, as
 * this process sees it, to shared memory. */
static long fork_sibling(struct rt_context *context)
{
	struct clone_args clone = {.flags = CLONE_PARENT};
	uint32_t *number = NULL;
	if (context->host_pid[0] != '\0') {
		long memory = rt_sys(mmap, NULL, sizeof(*number), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (memory < 0 && memory > -RT_PATH_MAX)
			return memory;
		number = (uint32_t *)memory;
		clone.flags |= CLONE_PARENT_SETTID;
		clone.parent_tid = (uint64_t)memory;
	}
	long pid = rt_sys(clone3, &clone, sizeof(clone));
	if (pid == 0 && number != NULL)
		rt_note_host_pid(context, *number);
	return pid;
}

int rt_outlive(struct rt_context *context, const struct rt_op_outlive *op)
{
	rt_sys(prctl, PR_SET_PDEATHSIG, 0, 0, 0, 0);
	int closed = rt_close_rest(context);
	if (closed < 0)
		return closed;
	if (op->fork) {
		bool apart = op->apart != 0;
		long pid = fork_sibling(context);
		if (pid == -EAGAIN && !apart) {
			/* pids.max limits forks but not moves into the cgroup (cgroup-v2.rst), so a container
			 * at its limit can still be entered. */
			int status = announce_and_wait(context, RT_WAIT_PLACE);
			if (status < 0)
				return status;
			apart = true;
			pid = fork_sibling(context);
		}
		if (pid < 0)
			return rt_fail(context, "clone3", pid);
		if (pid > 0)
			rt_leave(0);
		int told = rt_report_forked(context, apart ? RT_RECORD_FORKED_OUTSIDE : RT_RECORD_FORKED);
		if (told < 0)
			return told;
		/* The session and its terminal end with the first process. */
		rt_sys(setsid);
		int status = apart ? await_unprompted(context, RT_WAIT_ENTRY) : 0;
		if (status < 0)
			return status;
	}
	long status = op->terminal ? rt_sys(ioctl, 0, TIOCSCTTY, 0) : 0;
	return status < 0 ? rt_fail(context, "ioctl", status) : 0;
}

int rt_open_log(struct rt_context *context, const struct rt_op_open_log *op)
{
	if (context->log_count >= RT_LOGS_MAX)
		return rt_fail(context, "openat2", -EMFILE);
	RT_CLEANUP_FD int fd = rt_open_how(AT_FDCWD, op->path.data,
		O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0600, 0);
	struct statx st;
	int status = fd < 0 ? fd : rt_statx(fd, &st);
	if (status < 0)
		return rt_fail(context, "openat2", status);
	if ((st.stx_mode & S_IFMT) != S_IFREG || st.stx_nlink != 1)
		return rt_fail(context, "openat2", -EINVAL);
	rt_close(&context->slots[op->slot]);
	context->slots[op->slot] = rt_steal_fd(&fd);
	context->logs[context->log_count++] = op->slot;
	return 0;
}

int rt_hook(struct rt_context *context, const struct rt_op_hook *op)
{
	static struct rt_hook_result result;
	char digits[RT_DECIMAL_SIZE];
	const char *pid = rt_decimal(digits, (uint32_t)rt_sys(getpid));
	const struct rt_iovec input[] = {{op->before.data, op->before.length}, {pid, rt_strlen(pid)},
		{op->after.data, op->after.length}};
	int outputs[2] = {
		op->out == 0 ? -1 : context->slots[op->out], op->err == 0 ? -1 : context->slots[op->err]};
	const char **args = rt_string_vector(op->args, "");
	const char **env = rt_string_vector(op->env, op->add_home ? context->home : "");
	int status = args == NULL || env == NULL
			     ? -ENOMEM
			     : rt_hook_run(op->path.data, args, env, op->in_root ? -1 : context->slots[0],
				       input, 3, op->timeout_ms, outputs, context->filter_at_execve, &result);
	rt_free_vector(args, op->args);
	rt_free_vector(env, op->env);
	if (status < 0)
		return rt_fail(context, args == NULL || env == NULL ? "mmap" : "clone", status);
	if (result.outcome == RT_HOOK_EXITED && result.value == 0)
		return 0;
	/* Detail of a failed hook: length of stdout, stdout, stderr. */
	uint32_t at = 0;
	for (unsigned i = 0; i < 4; i++)
		context->detail[at++] = (char)(result.out_length >> (8 * i));
	for (uint32_t i = 0; i < result.out_length; i++)
		context->detail[at++] = result.out[i];
	for (uint32_t i = 0; i < result.err_length; i++)
		context->detail[at++] = result.err[i];
	context->detail_length = at;
	context->hook_failed = true;
	context->hook_outcome = result.outcome;
	context->hook_value = result.value;
	return rt_fail(context, "execve", -ECHILD);
}
