/* resctrl groups: cache and memory bandwidth allocation. */
#include "context.h"
#include "sys.h"

int rt_resctrl_group(struct rt_context *context, const struct rt_op_resctrl_group *op)
{
	if (!op->must_exist) {
		long status = rt_sys(mkdirat, AT_FDCWD, op->path.data, 0755);
		if (status < 0 && status != -EEXIST)
			return rt_fail(context, "mkdirat", status);
	}
	RT_CLEANUP_FD int fd = rt_open_how(
		AT_FDCWD, op->path.data, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0, RESOLVE_NO_SYMLINKS);
	if (fd < 0)
		return rt_fail(context, "openat2", fd);
	return 0;
}
