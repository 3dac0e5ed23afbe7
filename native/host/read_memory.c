/* Only direct system calls (sys.h): the child shares this process's memory. */
#include "read_memory.h"

#include "../helper/clone.h"
#include "../helper/init.h"
#include "../helper/sys.h"

#include <linux/poll.h>
#include <linux/time_types.h>
#include <linux/uio.h>
#include <linux/wait.h>

enum { PATIENCE = 500 /* milliseconds */ };

/* Static, since a child that cannot be ended may write here later. */
static struct reading {
	pid_t pid;
	struct iovec to, from[2];
	unsigned long pieces;
	long size;
	char bytes[RT_READ_MOST];
	_Alignas(16) char stack[8192];
} reading;

static void read_memory(void *argument)
{
	struct reading *job = argument;
	job->size = rt_sys(process_vm_readv, job->pid, &job->to, 1, job->from, job->pieces, 0);
	rt_leave(0);
}

static long has_ended(int pidfd)
{
	struct pollfd end = {.fd = pidfd, .events = POLLIN};
	struct __kernel_timespec limit = {.tv_nsec = PATIENCE * 1000000L};
	long ready;
	do
		ready = rt_sys(ppoll, &end, 1, &limit, NULL, 0);
	while (ready == -EINTR);
	return ready;
}

/* In a child that can be killed: the page may be one that the process provides, by FUSE or userfaultfd(2), and that never
 * comes. */
static long read_in_child(void)
{
	int pidfd = -1;
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&pidfd,
		.stack = (uint64_t)(uintptr_t)reading.stack,
		.stack_size = sizeof(reading.stack),
	};
	/* A handler of this process must not run in the child. */
	uint64_t all = ~0ull, before = 0;
	rt_sys(rt_sigprocmask, 2, &all, &before, sizeof(all));
	long pid = rt_clone(&args, sizeof(args), read_memory, &reading);
	rt_sys(rt_sigprocmask, 2, &before, NULL, sizeof(before));
	if (pid < 0)
		return pid;
	RT_CLEANUP_FD int child = pidfd;
	long ended = has_ended(child);
	if (ended != 1) {
		rt_sys(pidfd_send_signal, child, SIGKILL, NULL, 0);
		ended = has_ended(child);
		reading.size = -ETIMEDOUT;
	}
	if (ended == 1)
		rt_sys(wait4, pid, NULL, __WALL, NULL);
	return reading.size;
}

long rt_read_memory(pid_t pid, uint64_t address, char *bytes, size_t most)
{
	/* The page after that of the address may not be mapped. */
	size_t here = RT_READ_MOST - (size_t)(address % RT_READ_MOST);
	size_t first = here < most ? here : most;
	reading.pid = pid;
	reading.to = (struct iovec){reading.bytes, most};
	reading.from[0] = (struct iovec){(void *)(uintptr_t)address, first};
	reading.from[1] = (struct iovec){(void *)(uintptr_t)(address + first), most - first};
	reading.pieces = most > first ? 2 : 1;
	long size = read_in_child();
	for (long i = 0; i < size; i++)
		bytes[i] = reading.bytes[i];
	return size;
}
