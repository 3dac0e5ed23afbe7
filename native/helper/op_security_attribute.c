/* Security module labels: proc_pid_attr(5). */
#include "context.h"
#include "sys.h"

enum { ANSWER_MAX = 4096 };

static bool starts_with(const char *text, size_t length, struct rt_str start)
{
	if (length < start.length)
		return false;
	for (uint32_t i = 0; i < start.length; i++)
		if (text[i] != start.data[i])
			return false;
	return true;
}

int rt_security_attribute(struct rt_context *context, const struct rt_op_security_attribute *op)
{
	static const char directory[] = "self/attr/";
	char path[64], answer[ANSWER_MAX];
	size_t at = 0;
	if (sizeof(directory) + op->name.length > sizeof(path))
		return rt_fail(context, "openat2", -ENAMETOOLONG);
	for (; at < sizeof(directory) - 1; at++)
		path[at] = directory[at];
	for (uint32_t i = 0; i <= op->name.length; i++)
		path[at + i] = op->name.data[i];
	int status = rt_open_any_procfs(context);
	if (status < 0)
		return status;
	RT_CLEANUP_FD int fd = rt_open_how(context->procfs, path, O_RDWR | O_NOFOLLOW, 0,
		RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV);
	if (fd < 0)
		return rt_fail(context, "openat2", fd);
	long written = rt_sys(write, fd, op->value.data, op->value.length);
	if (written < 0)
		return rt_fail(context, "write", written);
	long size = rt_sys(pread64, fd, answer, sizeof(answer), 0);
	if (size < 0)
		return rt_fail(context, "read", size);
	return starts_with(answer, (size_t)size, op->expected) ? 0 : rt_fail(context, "read", -ESTALE);
}
