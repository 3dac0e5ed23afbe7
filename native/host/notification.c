/* Native functions for a process whose system calls this process answers (seccomp_unotify(2)). */
#include "functions.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "read_memory.h"
#include "result.h"

rt_function rt_fn_receiveNotification, rt_fn_answerNotification, rt_fn_callWaits, rt_fn_endCaller,
	rt_fn_signalCaller, rt_fn_readMemory, rt_fn_readMemoryText;

enum {
	PAGE = RT_READ_MOST,
	/* Milliseconds for a process to end by a signal. */
	PATIENCE = 500,
	/* PIDFD_THREAD of linux/pidfd.h, Linux 6.9. */
	PIDFD_OF_THREAD = O_EXCL,
};

int64_t rt_fn_receiveNotification(const struct rt_value *args, struct rt_result *result)
{
	struct seccomp_notif notification = {0};
	if (ioctl((int)args[0].integer, SECCOMP_IOCTL_NOTIF_RECV, &notification) < 0)
		return -errno;
	return rt_result_copy(result, (const char *)&notification, sizeof(notification));
}

/* Of a call that waits; 0, which is none's, if these are not its bytes. */
static uint64_t call_id(const struct rt_value *bytes)
{
	uint64_t id = 0;
	if (bytes->length == sizeof(id))
		memcpy(&id, bytes->data, sizeof(id));
	return id;
}

/* The call returns `error`, negative, unless the flags say otherwise. */
static int64_t answer_call(int listener, uint64_t id, int error, unsigned flags)
{
	struct seccomp_notif_resp answer = {.id = id, .error = error, .flags = flags};
	return rt_checked(ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer));
}

int64_t rt_fn_answerNotification(const struct rt_value *args, struct rt_result *result)
{
	(void)result;
	uint64_t id = call_id(&args[1]);
	return answer_call((int)args[0].integer, id, -(int)args[2].integer, (unsigned)args[3].integer);
}

int64_t rt_fn_callWaits(const struct rt_value *args, struct rt_result *result)
{
	(void)result;
	uint64_t id = call_id(&args[1]);
	return rt_checked(ioctl((int)args[0].integer, SECCOMP_IOCTL_NOTIF_ID_VALID, &id));
}

static int64_t signal_process(int pidfd, int signal)
{
	return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

int64_t rt_fn_endCaller(const struct rt_value *args, struct rt_result *result)
{
	(void)result;
	int listener = (int)args[0].integer, signal = (int)args[3].integer;
	uint64_t id = call_id(&args[1]);
	RT_CLOSE_FD int pidfd = (int)syscall(SYS_pidfd_open, (pid_t)args[2].integer, 0);
	/* As long as the call waits its thread exists, so the descriptor is that of its process. */
	if (pidfd < 0 || ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) < 0)
		return -errno;
	signal_process(pidfd, signal);
	int64_t sent = answer_call(listener, id, -ENOSYS, 0);
	/* A process that shares the signal handlers may have changed them, a tracer keeps the signal from its tracee. */
	struct pollfd end = {.fd = pidfd, .events = POLLIN};
	if (signal != SIGKILL && poll(&end, 1, PATIENCE) != 1)
		signal_process(pidfd, SIGKILL);
	/* The signal may have been quicker than the answer. */
	return sent == -ENOENT ? 0 : sent;
}

int64_t rt_fn_signalCaller(const struct rt_value *args, struct rt_result *result)
{
	(void)result;
	int listener = (int)args[0].integer, signal = (int)args[3].integer;
	pid_t thread = (pid_t)args[2].integer;
	uint64_t id = call_id(&args[1]);
	/* Older kernels have no descriptors of threads. */
	RT_CLOSE_FD int pidfd = (int)syscall(SYS_pidfd_open, thread, PIDFD_OF_THREAD);
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) < 0)
		return -errno;
	if (pidfd >= 0)
		signal_process(pidfd, signal);
	else
		syscall(SYS_tkill, thread, signal);
	int64_t sent = answer_call(listener, id, -ENOSYS, 0);
	return sent == -ENOENT ? 0 : sent;
}

/* What is at an address of a thread whose call waits, at most `most` bytes: their number, or -errno. */
static int64_t read_caller(const struct rt_value *args, char bytes[static PAGE])
{
	uint64_t id = call_id(&args[1]), address;
	size_t most = (size_t)args[4].integer;
	if (args[3].length != sizeof(address) || most > PAGE)
		return -EINVAL;
	memcpy(&address, args[3].data, sizeof(address));
	long size = rt_read_memory((pid_t)args[2].integer, address, bytes, most);
	if (size < 0)
		return size;
	/* If the thread has ended meanwhile, its number may be that of another one. */
	return ioctl((int)args[0].integer, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) < 0 ? -errno : size;
}

int64_t rt_fn_readMemory(const struct rt_value *args, struct rt_result *result)
{
	char bytes[PAGE];
	int64_t size = read_caller(args, bytes);
	return size < 0 ? size : rt_result_copy(result, bytes, (size_t)size);
}

int64_t rt_fn_readMemoryText(const struct rt_value *args, struct rt_result *result)
{
	char bytes[PAGE];
	int64_t size = read_caller(args, bytes);
	return size < 0 ? size : rt_result_copy(result, bytes, strnlen(bytes, (size_t)size));
}
