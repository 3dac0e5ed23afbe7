/* New filesystems with options that fsconfig(2) does not take because it limits a value to 255 bytes, which
 * the lower directories of an overlay may exceed. mount(2) takes a page of options in total. */
#include "mount.h"
#include "sys.h"

enum { LONGEST_VALUE = 255, PAGE = 4096 };
bool rt_has_long_option(struct rt_strs options)
{
	bool found = false;
	while (options.count > 0)
		found |= rt_strlen(rt_next_str(&options)) > LONGEST_VALUE;
	return found;
}

static unsigned long mount_flags(uint64_t attributes)
{
	static const struct {
		uint64_t attribute;
		unsigned long flag;
	} bits[] = {{MOUNT_ATTR_RDONLY, MS_RDONLY}, {MOUNT_ATTR_NOSUID, MS_NOSUID},
		{MOUNT_ATTR_NODEV, MS_NODEV}, {MOUNT_ATTR_NOEXEC, MS_NOEXEC},
		{MOUNT_ATTR_NODIRATIME, MS_NODIRATIME}, {MOUNT_ATTR_NOSYMFOLLOW, MS_NOSYMFOLLOW}};
	unsigned long flags = attributes & MOUNT_ATTR_NOATIME       ? MS_NOATIME
			      : attributes & MOUNT_ATTR_STRICTATIME ? MS_STRICTATIME
								    : MS_RELATIME;
	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
		if (attributes & bits[i].attribute)
			flags |= bits[i].flag;
	return flags;
}

/* Joined by commas. An overlong list is an error, because the kernel would truncate it silently. */
static int join(struct rt_strs options, char page[static PAGE])
{
	size_t length = 0;
	while (options.count > 0) {
		const char *option = rt_next_str(&options);
		size_t more = rt_strlen(option);
		if (length + more + 2 > PAGE)
			return -E2BIG;
		if (length > 0)
			page[length++] = ',';
		for (size_t i = 0; i < more; i++)
			page[length++] = option[i];
	}
	page[length] = '\0';
	return 0;
}

/* Mounts on "." in the target, because its path may have changed since it was resolved. */
static long mount_on(int target, const struct rt_op_mount_filesystem *op, const char *data)
{
	RT_CLEANUP_FD int before = (int)rt_sys(openat, AT_FDCWD, ".", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
	if (before < 0)
		return before;
	long status = rt_sys(fchdir, target);
	if (status < 0)
		return status;
	status = rt_sys(mount, op->source.data, ".", op->type.data, mount_flags(op->attributes), data);
	long back = rt_sys(fchdir, before);
	return status < 0 ? status : back;
}

int rt_mount_with_long_options(
	struct rt_context *context, const struct rt_op_mount_filesystem *op, int target, bool plain)
{
	char page[PAGE];
	long status = join(op->options, page);
	if (status == 0)
		status = mount_on(target, op, page);
	if (status < 0)
		return rt_fail(context, "mount", status);
	/* The mount has its attributes from the start, so it is safe even if it is not found again. */
	RT_CLEANUP_FD int mount = rt_resolve(context, op->destination.data, RT_MISSING_FAILS, 0, plain);
	if (mount < 0)
		return mount;
	struct statx below, above;
	status = rt_statx(target, &below);
	if (status == 0)
		status = rt_statx(mount, &above);
	if (status != 0)
		return rt_fail(context, "statx", status);
	bool root = above.stx_attributes & STATX_ATTR_MOUNT_ROOT;
	if (!root || above.stx_mnt_id == below.stx_mnt_id)
		return rt_fail(context, "mount", -ESTALE);
	return rt_steal_fd(&mount);
}
