/* Native functions for a process whose system calls this process answers (seccomp_unotify(2)). */
#include "functions.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "result.h"

rt_function rt_fn_receiveNotification, rt_fn_answerNotification, rt_fn_readMemory, rt_fn_readMemoryText;

enum { PAGE = 4096 };

int64_t rt_fn_receiveNotification(const struct rt_value *args, struct rt_result *result)
{
	struct seccomp_notif notification = {0};
	if (ioctl((int)args[0].integer, SECCOMP_IOCTL_NOTIF_RECV, &notification) < 0)
		return -errno;
	return rt_result_copy(result, (const char *)&notification, sizeof(notification));
}

int64_t rt_fn_answerNotification(const struct rt_value *args, struct rt_result *result)
{
	(void)result;
	int listener = (int)args[0].integer, signal = (int)args[5].integer;
	struct seccomp_notif_resp answer = {
		.error = -(int)args[2].integer, .flags = (unsigned)args[3].integer};
	if (args[1].length != sizeof(answer.id))
		return -EINVAL;
	memcpy(&answer.id, args[1].data, sizeof(answer.id));
	/* As long as the call waits, its thread exists. Even without the signal the call must not wait for ever. */
	if (signal != 0 && ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &answer.id) == 0)
		syscall(SYS_tkill, (int)args[4].integer, signal);
	int64_t sent = rt_checked(ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer));
	/* The signal may have been quicker. */
	return signal != 0 && sent == -ENOENT ? 0 : sent;
}

/* What is at an address of a thread whose call waits, at most `most` bytes: their number, or -errno. */
static int64_t read_caller(const struct rt_value *args, char bytes[static PAGE])
{
	uint64_t id, address;
	size_t most = (size_t)args[4].integer;
	if (args[1].length != sizeof(id) || args[3].length != sizeof(address) || most > PAGE)
		return -EINVAL;
	memcpy(&id, args[1].data, sizeof(id));
	memcpy(&address, args[3].data, sizeof(address));
	/* The page after that of the address may not be mapped. */
	size_t here = PAGE - (size_t)(address % PAGE);
	size_t first = here < most ? here : most;
	struct iovec to = {bytes, most};
	struct iovec from[] = {
		{(void *)(uintptr_t)address, first}, {(void *)(uintptr_t)(address + first), most - first}};
	ssize_t size = process_vm_readv((pid_t)args[2].integer, &to, 1, from, most > first ? 2 : 1, 0);
	/* If the thread has ended meanwhile, its number may be that of another one. */
	if (size < 0 || ioctl((int)args[0].integer, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) < 0)
		return -errno;
	return size;
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
