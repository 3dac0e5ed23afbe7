#include "procfs.h"

#include "sys.h"

#include <linux/magic.h>

int rt_open_mounted_procfs(const char **call)
{
	struct statfs fs;
	struct statx st;
	*call = "openat2";
	RT_CLEANUP_FD int fd = rt_open_how(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY | O_NOFOLLOW, 0, 0);
	if (fd < 0)
		return fd;
	*call = "fstatfs";
	long status = rt_sys(fstatfs, fd, &fs);
	if (status >= 0)
		status = rt_statx(fd, &st);
	if (status < 0)
		return (int)status;
	if (fs.f_type != PROC_SUPER_MAGIC || st.stx_ino != RT_PROC_ROOT_INODE)
		return -EMEDIUMTYPE;
	return rt_steal_fd(&fd);
}
