/* Attributes of the container's process. */
#include "context.h"
#include "decimal.h"
#include "record.h"
#include "sys.h"

#include <linux/capability.h>
#include <linux/prctl.h>
#include <linux/resource.h>
#include <linux/securebits.h>

int rt_hide(struct rt_context *context)
{
	long status = rt_sys(prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
	return status < 0 ? rt_fail(context, "prctl", status) : 0;
}

int rt_end_with_parent(struct rt_context *context)
{
	long status = rt_sys(prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	return status < 0 ? rt_fail(context, "prctl", status) : 0;
}

/* While this process is non-dumpable, its /proc files belong to root, whatever its user. */
int rt_open_own_file(const char *path)
{
	int fd = rt_open_how(AT_FDCWD, path, O_WRONLY | O_NOFOLLOW, 0, 0);
	if (fd != -EACCES)
		return fd;
	rt_sys(prctl, PR_SET_DUMPABLE, 1, 0, 0, 0);
	fd = rt_open_how(AT_FDCWD, path, O_WRONLY | O_NOFOLLOW, 0, 0);
	long hidden = rt_sys(prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (hidden < 0)
		rt_close(&fd);
	return hidden < 0 ? (int)hidden : fd;
}

int rt_oom_score_adj(struct rt_context *context, const struct rt_op_oom_score_adj *op)
{
	char text[1 + RT_DECIMAL_SIZE];
	char *number = rt_decimal(text + 1, op->value < 0 ? -(uint32_t)op->value : (uint32_t)op->value);
	if (op->value < 0)
		*--number = '-';
	RT_CLEANUP_FD int fd = rt_open_own_file("/proc/self/oom_score_adj");
	if (fd < 0)
		return rt_fail(context, "openat2", fd);
	long written = rt_sys(write, fd, number, rt_strlen(number));
	if (written < 0 && (op->ignore == 0 || written != -(long)op->ignore))
		return rt_fail(context, "write", written);
	return 0;
}

int rt_raise_limit(struct rt_context *context, const struct rt_op_raise_limit *op)
{
	struct rlimit64 limit;
	long status = rt_sys(prlimit64, 0, op->resource, NULL, &limit);
	if (status >= 0 && limit.rlim_max < op->hard) {
		limit.rlim_max = op->hard;
		status = rt_sys(prlimit64, 0, op->resource, &limit, NULL);
	}
	return status < 0 ? rt_fail(context, "prlimit", status) : 0;
}

int rt_rlimit(struct rt_context *context, const struct rt_op_rlimit *op)
{
	struct rlimit64 limit = {.rlim_cur = op->soft, .rlim_max = op->hard};
	long status = rt_sys(prlimit64, 0, op->resource, &limit, NULL);
	return status < 0 ? rt_fail(context, "prlimit", status) : 0;
}

int rt_umask(struct rt_context *context, const struct rt_op_umask *op)
{
	long status = rt_sys(umask, op->mask);
	return status < 0 ? rt_fail(context, "umask", status) : 0;
}

static uint64_t whole(uint32_t low, uint32_t high)
{
	return (uint64_t)high << 32 | low;
}

/* This process's sets; false if they cannot be read. */
static bool read_capabilities(uint64_t *permitted, uint64_t *inheritable)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];
	if (rt_sys(capget, &header, data) < 0)
		return false;
	*permitted = whole(data[0].permitted, data[1].permitted);
	*inheritable = whole(data[0].inheritable, data[1].inheritable);
	return true;
}

/* Notes what cannot be in the bounding set, since it is not there now. Whatever is permitted is there. */
static void note_unbounded(struct rt_context *context, uint64_t keep)
{
	uint64_t permitted = 0, inheritable;
	if (keep == 0 || !read_capabilities(&permitted, &inheritable))
		return;
	uint64_t doubtful = keep & ~permitted;
	for (unsigned capability = 0; doubtful >> capability != 0 && capability < 64; capability++)
		if ((doubtful >> capability & 1) && rt_sys(prctl, PR_CAPBSET_READ, capability, 0, 0, 0) != 1)
			context->ungrantable |= (uint64_t)1 << capability;
}

int rt_drop_bounding(struct rt_context *context, const struct rt_op_drop_bounding *op)
{
	note_unbounded(context, op->keep);
	for (uint32_t capability = 0; capability <= op->last; capability++) {
		if (op->keep >> capability & 1)
			continue;
		long status = rt_sys(prctl, PR_CAPBSET_DROP, capability, 0, 0, 0);
		if (status < 0)
			return rt_fail(context, "prctl", status);
	}
	return 0;
}

/* Reads the credentials back, because a filter may have faked success. */
static bool is_user(const struct rt_op_set_user *op, bool groups_set)
{
	uint32_t uid[3], gid[3];
	if (rt_sys(getresuid, &uid[0], &uid[1], &uid[2]) < 0 ||
		rt_sys(getresgid, &gid[0], &gid[1], &gid[2]) < 0)
		return false;
	for (int i = 0; i < 3; i++)
		if (uid[i] != op->uid || gid[i] != op->gid)
			return false;
	return !groups_set || rt_sys(getgroups, 0, NULL) == (long)op->groups.count;
}

int rt_set_user(struct rt_context *context, const struct rt_op_set_user *op)
{
	long status = rt_sys(prctl, PR_SET_KEEPCAPS, 1, 0, 0, 0);
	if (status < 0)
		return rt_fail(context, "prctl", status);
	const bool kept = op->keep_groups == RT_GROUPS_RULE_KEEP;
	/* Passed straight from the program: gid_t is a little-endian u32, and the kernel accepts any alignment. */
	status = kept ? 0 : rt_sys(setgroups, op->groups.count, op->groups.data);
	bool groups_set = !kept && status == 0;
	if (status == -EPERM && op->keep_groups == RT_GROUPS_RULE_SET_IF_ALLOWED && op->groups.count == 0)
		status = 0;
	if (status < 0)
		return rt_fail(context, "setgroups", status);
	status = rt_sys(setresgid, op->gid, op->gid, op->gid);
	if (status < 0)
		return rt_fail(context, "setresgid", status);
	status = rt_sys(setresuid, op->uid, op->uid, op->uid);
	if (status < 0)
		return rt_fail(context, "setresuid", status);
	if (!is_user(op, groups_set))
		return rt_fail(context, "getresuid", -EPERM);
	status = rt_sys(prctl, PR_SET_KEEPCAPS, 0, 0, 0, 0);
	return status < 0 ? rt_fail(context, "prctl", status) : 0;
}

static long set_capabilities(const struct rt_op_set_capabilities *op, uint64_t ungrantable)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];
	for (unsigned half = 0; half < 2; half++) {
		data[half].effective = (uint32_t)((op->effective & ~ungrantable) >> (32 * half));
		data[half].permitted = (uint32_t)((op->permitted & ~ungrantable) >> (32 * half));
		data[half].inheritable = (uint32_t)((op->inheritable & ~ungrantable) >> (32 * half));
	}
	return rt_sys(capset, &header, data);
}

/* Reports the capabilities that are not granted, as a mask. */
static int report_ungrantable(struct rt_context *context)
{
	for (unsigned i = 0; i < sizeof(context->ungrantable); i++)
		context->detail[i] = (char)(context->ungrantable >> (8 * i));
	context->detail_length = sizeof(context->ungrantable);
	context->ungrantable_told = context->ungrantable;
	return rt_report_incomplete(context, "capset", -EPERM);
}

int rt_set_capabilities(struct rt_context *context, const struct rt_op_set_capabilities *op)
{
	uint64_t permitted, inheritable;
	long status = rt_sys(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (status < 0)
		return rt_fail(context, "prctl", status);
	status = set_capabilities(op, context->ungrantable);
	if (status == -EPERM && read_capabilities(&permitted, &inheritable)) {
		context->ungrantable |= op->permitted & ~permitted;
		context->ungrantable |= op->inheritable & ~(permitted | inheritable);
		status = set_capabilities(op, context->ungrantable);
	}
	if (status < 0)
		return rt_fail(context, "capset", status);
	for (unsigned capability = 0; capability < 64; capability++) {
		if (!((op->ambient & ~context->ungrantable) >> capability & 1))
			continue;
		status = rt_sys(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0);
		if (status < 0)
			return rt_fail(context, "prctl", status);
	}
	return context->ungrantable == context->ungrantable_told ? 0 : report_ungrantable(context);
}

int rt_change_directory(struct rt_context *context, const struct rt_op_change_directory *op)
{
	const bool setting_up = op->phase == RT_CHANGE_DIRECTORY_SET_UP;
	if (setting_up || context->directory_put_off) {
		long status = rt_sys(chdir, op->path.data);
		context->directory_put_off = setting_up && (status == -EACCES || status == -EPERM);
		if (context->directory_put_off)
			return 0;
		if (status < 0)
			return rt_fail(context, "chdir", status);
	}
	char directory[RT_PATH_MAX];
	long length = rt_sys(getcwd, directory, sizeof(directory));
	if (length < 0)
		return rt_fail(context, "getcwd", length);
	return directory[0] == '/' ? 0 : rt_fail(context, "getcwd", -EXDEV);
}

int rt_no_new_privs(struct rt_context *context)
{
	long status = rt_sys(prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return status < 0 ? rt_fail(context, "prctl", status) : 0;
}
