#include "mode.h"

#include "decimal.h"
#include "procfs.h"
#include "sys.h"

/* Linux 6.6; the same number on every architecture. */
#ifndef __NR_fchmodat2
#define __NR_fchmodat2 452
#endif

/* procfs is verified, because a mount could redirect the path. */
static int open_descriptors(int self)
{
	static const uint64_t inside = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS;
	const char *call;
	if (self >= 0)
		return rt_open_how(self, "fd", O_PATH | O_DIRECTORY, 0, inside);
	RT_CLEANUP_FD int procfs = rt_open_mounted_procfs(&call);
	return procfs < 0 ? procfs : rt_open_how(procfs, "self/fd", O_PATH | O_DIRECTORY, 0, inside);
}

/* Goes through the descriptor's magic link. */
static int set_mode_by_procfs(int fd, uint32_t mode, int self)
{
	char digits[RT_DECIMAL_SIZE];
	RT_CLEANUP_FD int descriptors = open_descriptors(self);
	if (descriptors < 0)
		return descriptors;
	return (int)rt_sys(fchmodat, descriptors, rt_decimal(digits, (uint32_t)fd), mode);
}

int rt_set_mode(int fd, uint32_t mode, int self)
{
	long status = rt_sys(fchmodat2, fd, "", mode, AT_EMPTY_PATH);
	/* Seccomp filters around the runtime return EPERM for unknown system calls. */
	return status == -ENOSYS || status == -EPERM ? set_mode_by_procfs(fd, mode, self) : (int)status;
}
