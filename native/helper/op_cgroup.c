/* Cgroups: the directory walk starts at the hierarchy's mount point and never leaves it. */
#include "context.h"
#include "sys.h"

/* The next component of a path, copied to `name`; false at its end. */
static bool next_component(const char **at, char name[256], int *status)
{
	while (**at == '/')
		(*at)++;
	if (**at == '\0')
		return false;
	size_t length = 0;
	while (**at != '\0' && **at != '/') {
		if (length == 255) {
			*status = -ENAMETOOLONG;
			return false;
		}
		name[length++] = *(*at)++;
	}
	name[length] = '\0';
	return true;
}

static int open_hierarchy(struct rt_context *context, const char *path)
{
	int fd = rt_open_how(AT_FDCWD, path, O_PATH | O_DIRECTORY, 0, 0);
	return fd < 0 ? rt_fail(context, "openat2", fd) : fd;
}

static int open_component(struct rt_context *context, int parent, const char *name)
{
	int fd = rt_open_how(
		parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
	return fd < 0 ? rt_fail(context, "openat2", fd) : fd;
}

/* Reads at most `size` bytes of a file in a cgroup directory; its length or a negative errno. */
static int read_at(int directory, const char *name, char *data, size_t size)
{
	RT_CLEANUP_FD int fd = rt_open_how(directory, name, O_RDONLY | O_NOFOLLOW, 0, RESOLVE_BENEATH);
	if (fd < 0)
		return fd;
	return (int)rt_sys(read, fd, data, size);
}

static int write_at(int directory, const char *name, const char *data, size_t size)
{
	RT_CLEANUP_FD int fd = rt_open_how(directory, name, O_WRONLY | O_NOFOLLOW, 0, 0);
	if (fd < 0)
		return fd;
	long written = rt_sys(write, fd, data, size);
	return written < 0 ? (int)written : 0;
}

/* cpuset refuses tasks while cpus or mems are empty, and v1 starts them empty. */
static int inherit(struct rt_context *context, int parent, int child, struct rt_strs files)
{
	while (files.count > 0) {
		const char *name = rt_next_str(&files);
		char value[4096];
		int length = read_at(child, name, value, sizeof(value));
		if (length < 0)
			return rt_fail(context, "read", length);
		if (length > 1)
			continue;
		length = read_at(parent, name, value, sizeof(value));
		if (length < 0)
			return rt_fail(context, "read", length);
		int status = write_at(child, name, value, (size_t)length);
		if (status < 0)
			return rt_fail(context, "write", status);
	}
	return 0;
}

int rt_cgroup_create(struct rt_context *context, struct rt_op_cgroup_create *op)
{
	RT_CLEANUP_FD int parent = open_hierarchy(context, op->hierarchy.data);
	if (parent < 0)
		return parent;
	const char *at = op->path.data;
	char name[256];
	int status = 0;
	bool existed = true;
	while (next_component(&at, name, &status)) {
		long made = rt_sys(mkdirat, parent, name, 0755);
		if (made < 0 && made != -EEXIST)
			return rt_fail(context, "mkdirat", made);
		existed = made < 0;
		/* A cgroup made just now is empty. */
		if (!existed && *at == '\0' && op->inherit.count == 0)
			return 0;
		int child = open_component(context, parent, name);
		if (child < 0)
			return child;
		if (op->inherit.count > 0)
			status = inherit(context, parent, child, op->inherit);
		rt_close(&parent);
		parent = child;
		if (status < 0)
			return status;
	}
	if (status < 0)
		return rt_fail(context, "mkdirat", status);
	char pid;
	if (existed && read_at(parent, "cgroup.procs", &pid, 1) > 0)
		return rt_fail(context, "mkdirat", -EBUSY);
	return 0;
}

static int enable(struct rt_context *context, int directory, struct rt_strs controllers, bool required)
{
	while (controllers.count > 0) {
		char word[64] = "+";
		const char *name = rt_next_str(&controllers);
		size_t length = rt_strlen(name);
		if (length + 1 >= sizeof(word))
			return rt_fail(context, "write", -EINVAL);
		for (size_t i = 0; i < length; i++)
			word[i + 1] = name[i];
		int status = write_at(directory, "cgroup.subtree_control", word, length + 1);
		if (status < 0 && required)
			return rt_fail(context, "write", status);
	}
	return 0;
}

int rt_cgroup_enable(struct rt_context *context, struct rt_op_cgroup_enable *op)
{
	RT_CLEANUP_FD int directory = open_hierarchy(context, op->hierarchy.data);
	if (directory < 0)
		return directory;
	const char *at = op->path.data;
	char name[256];
	int status = 0;
	while (next_component(&at, name, &status)) {
		status = enable(context, directory, op->required, true);
		if (status == 0)
			status = enable(context, directory, op->optional, false);
		if (status < 0)
			return status;
		int child = open_component(context, directory, name);
		if (child < 0)
			return child;
		rt_close(&directory);
		directory = child;
	}
	return status < 0 ? rt_fail(context, "openat2", status) : 0;
}

int rt_write_file(struct rt_context *context, const struct rt_op_write_file *op)
{
	int status = write_at(AT_FDCWD, op->path.data, op->data.data, op->data.length);
	if (status < 0 && (op->ignore == 0 || status != -(int)op->ignore))
		return rt_fail(context, "write", status);
	return 0;
}

int rt_write_device_rules(struct rt_context *context, struct rt_op_write_device_rules *op)
{
	RT_CLEANUP_FD int directory = open_hierarchy(context, op->directory.data);
	if (directory < 0)
		return directory;
	RT_CLEANUP_FD int allow =
		rt_open_how(directory, "devices.allow", O_WRONLY | O_NOFOLLOW, 0, RESOLVE_BENEATH);
	if (allow < 0)
		return rt_fail(context, "openat2", allow);
	RT_CLEANUP_FD int deny =
		rt_open_how(directory, "devices.deny", O_WRONLY | O_NOFOLLOW, 0, RESOLVE_BENEATH);
	if (deny < 0)
		return rt_fail(context, "openat2", deny);
	while (op->rules.count > 0) {
		const char *rule = rt_next_str(&op->rules);
		long status = rt_sys(write, rule[0] == '+' ? allow : deny, rule + 1, rt_strlen(rule + 1));
		if (status < 0)
			return rt_fail(context, "write", status);
	}
	return 0;
}

int rt_cgroup_join(struct rt_context *context, const struct rt_op_cgroup_join *op)
{
	int status = write_at(AT_FDCWD, op->file.data, "0", 1);
	return status < 0 ? rt_fail(context, "write", status) : 0;
}
