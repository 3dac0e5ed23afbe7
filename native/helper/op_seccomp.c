/* The seccomp filter, and the transfer of its listener. */
#include "clone.h"
#include "context.h"
#include "decimal.h"
#include "descriptor.h"
#include "filter.h"
#include "record.h"
#include "sys.h"

#include <linux/un.h>

/* The parts of the state, with the process's pid between them. */
enum { PIECES_MAX = 2 * RT_SECCOMP_NOTIFY_STATE_MOST };

/* In the runtime's wire format. */
static struct {
	uint32_t count;
	struct sock_filter instructions[BPF_MAXINSNS];
} filter;

/* Waits for the filter. The count in front reveals a truncated one, which means that the runtime has died. */
static int receive(struct rt_context *context)
{
	size_t length = 0;
	for (;;) {
		long got = rt_sys(read, context->filter, (char *)&filter + length, sizeof(filter) - length);
		if (got == -EINTR)
			continue;
		if (got < 0)
			return rt_fail(context, "read", got);
		if (got == 0)
			break;
		length += (size_t)got;
	}
	rt_close(&context->filter);
	bool whole = length >= sizeof(filter.count) &&
		     length - sizeof(filter.count) == (uint64_t)filter.count * sizeof(filter.instructions[0]);
	return whole ? 0 : rt_fail(context, "read", -EPIPE);
}

static struct rt_filter received(uint32_t flags)
{
	return (struct rt_filter){
		flags, {.len = (unsigned short)filter.count, .filter = filter.instructions}};
}

/* Resolves the path once and connects through the descriptor: the path may exceed sun_path, and the socket is
 * the one that was checked. */
static int connect_stream(struct rt_context *context, const char *path)
{
	static const char prefix[] = "/proc/self/fd/";
	struct statx st;
	RT_CLEANUP_FD int file = rt_open_how(AT_FDCWD, path, O_PATH, 0, 0);
	if (file < 0)
		return rt_fail(context, "openat2", file);
	int status = rt_statx(file, &st);
	if (status < 0)
		return rt_fail(context, "statx", status);
	if ((st.stx_mode & S_IFMT) != S_IFSOCK)
		return rt_fail(context, "connect", -ENOTSOCK);
	struct sockaddr_un address = {.sun_family = RT_AF_UNIX};
	char digits[RT_DECIMAL_SIZE];
	const char *number = rt_decimal(digits, (uint32_t)file);
	rt_copy(address.sun_path, prefix, sizeof(prefix));
	rt_copy(address.sun_path + sizeof(prefix) - 1, number, rt_strlen(number) + 1);
	RT_CLEANUP_FD int socket = (int)rt_sys(socket, RT_AF_UNIX, RT_SOCK_STREAM | O_CLOEXEC, 0);
	if (socket < 0)
		return rt_fail(context, "socket", socket);
	long connected = rt_sys(connect, socket, &address, sizeof(address));
	return connected < 0 ? rt_fail(context, "connect", connected) : rt_steal_fd(&socket);
}

int rt_seccomp_receiver(struct rt_context *context, const struct rt_op_seccomp_receiver *op)
{
	/* /proc is still the host's, and gives this process's pid on the host. */
	long length =
		rt_sys(readlinkat, AT_FDCWD, "/proc/self", context->host_pid, sizeof(context->host_pid) - 1);
	if (length < 0)
		return rt_fail(context, "readlinkat", length);
	context->host_pid[length] = '\0';
	int socket = connect_stream(context, op->path.data);
	if (socket < 0)
		return socket;
	rt_close(&context->receiver);
	context->receiver = socket;
	return 0;
}

/* Shared by the two threads. `listener` is LISTENER_PENDING until the filter is loaded; `result` is
 * RESULT_PENDING until the message has been sent. */
struct hand_over {
	struct rt_message message;
	struct rt_iovec pieces[PIECES_MAX];
	struct rt_rights rights;
	int receiver, listener;
	bool keeps_receiver;
	long result;
};

enum { LISTENER_PENDING = -1, LISTENER_FAILED = -2, RESULT_PENDING = 1 };

/* A thread without the filter, so that the receiver gets its listener whatever the filter does with
 * sendmsg(2) or close(2), even if it asks the receiver. */
static void send_listener(void *argument)
{
	struct hand_over *shared = argument;
	int listener;
	/* Spins, because the filter may stop the system call that would wake this thread. The wait is only as
	 * long as the kernel needs to load a filter. */
	while ((listener = __atomic_load_n(&shared->listener, __ATOMIC_ACQUIRE)) == LISTENER_PENDING)
		rt_sys(sched_yield);
	long sent = 0;
	if (listener >= 0) {
		shared->rights.fd = listener;
		do
			sent = rt_sys(sendmsg, shared->receiver, &shared->message, RT_MSG_NOSIGNAL);
		while (sent == -EINTR);
		rt_sys(close, listener);
		if (!shared->keeps_receiver)
			rt_sys(close, shared->receiver);
	}
	__atomic_store_n(&shared->result, sent < 0 ? sent : 0, __ATOMIC_RELEASE);
	rt_sys(exit, 0);
	for (;;)
		__builtin_trap();
}

/* Builds the message: the parts with the process's pid between them. */
static void describe(struct rt_context *context, struct rt_strs parts, struct hand_over *shared)
{
	size_t count = 0, pid_length = rt_strlen(context->host_pid);
	while (parts.count > 0) {
		if (count > 0)
			shared->pieces[count++] = (struct rt_iovec){context->host_pid, pid_length};
		const char *part = rt_next_str(&parts);
		shared->pieces[count++] = (struct rt_iovec){part, rt_strlen(part)};
	}
	shared->message.part_count = count;
	shared->receiver = context->receiver;
	context->receiver = -1;
}

/* Loads the filter, and sends its listener with the pieces of the message to the receiver. */
static int load_and_send(struct rt_context *context, struct rt_filter filter, struct hand_over *shared)
{
	static char stack[4096] __attribute__((aligned(16)));
	shared->rights = rt_rights_of(LISTENER_PENDING);
	shared->message.parts = shared->pieces;
	shared->message.control = &shared->rights;
	shared->message.control_length = sizeof(shared->rights);
	shared->listener = LISTENER_PENDING;
	shared->result = RESULT_PENDING;
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM,
		.stack = (uint64_t)(uintptr_t)stack,
		.stack_size = sizeof(stack)};
	long thread = rt_clone(&args, sizeof(args), send_listener, shared);
	if (thread < 0)
		return rt_fail(context, "clone3", thread);
	filter.flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
	long listener = rt_filter_load(&filter);
	__atomic_store_n(&shared->listener, listener < 0 ? LISTENER_FAILED : (int)listener, __ATOMIC_RELEASE);
	long result;
	/* Waits without system calls, for the same reason; execve would kill the other thread. */
	while ((result = __atomic_load_n(&shared->result, __ATOMIC_ACQUIRE)) == RESULT_PENDING)
		__asm__ volatile("" ::: "memory");
	if (listener < 0)
		return rt_fail(context, "seccomp", listener);
	return result < 0 ? rt_fail(context, "sendmsg", result) : 0;
}

int rt_seccomp_notify(struct rt_context *context, const struct rt_op_seccomp_notify *op)
{
	static struct hand_over shared;
	int status = receive(context);
	if (status < 0)
		return status;
	describe(context, op->state, &shared);
	return load_and_send(context, received(op->flags), &shared);
}

int rt_load_filter(struct rt_context *context, const struct rt_filter *filter)
{
	static struct rt_record_header record;
	static struct hand_over shared;
	record.kind = RT_RECORD_LISTENER;
	if (filter->flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) {
		shared.pieces[0] = (struct rt_iovec){&record, sizeof(record)};
		shared.message.part_count = 1;
		shared.receiver = context->control;
		shared.keeps_receiver = true;
		return load_and_send(context, *filter, &shared);
	}
	long status = rt_filter_load(filter);
	return status < 0 ? rt_fail(context, "seccomp", status) : 0;
}

int rt_seccomp(struct rt_context *context, const struct rt_op_seccomp *op)
{
	static struct rt_filter kept;
	int status = receive(context);
	if (status < 0)
		return status;
	kept = received(op->flags);
	if (op->at_execve == 0)
		return rt_load_filter(context, &kept);
	context->filter_at_execve = &kept;
	return 0;
}
