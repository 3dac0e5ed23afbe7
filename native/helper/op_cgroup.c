/* Cgroups: the directory walk starts at the hierarchy's mount point and never leaves it. */
#include "context.h"
#include "sys.h"

/* Copies the next component of a path to `name`; false at the end. */
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

/* Reads at most `size` bytes of a file in a cgroup directory. Returns the length or a negative errno. */
static int read_at(struct rt_context *context, int directory, const char *name, char *data, size_t size)
{
	RT_CLEANUP_FD int fd = rt_open_how(directory, name, O_RDONLY | O_NOFOLLOW, 0, RESOLVE_BENEATH);
	if (fd < 0)
		return rt_fail(context, "openat2", fd);
	long length = rt_sys(read, fd, data, size);
	return length < 0 ? rt_fail(context, "read", length) : (int)length;
}

static int write_at(
	struct rt_context *context, int directory, const char *name, const char *data, size_t size)
{
	RT_CLEANUP_FD int fd = rt_open_how(directory, name, O_WRONLY | O_NOFOLLOW, 0, 0);
	if (fd < 0)
		return rt_fail(context, "openat2", fd);
	long written = rt_sys(write, fd, data, size);
	return written < 0 ? rt_fail(context, "write", written) : 0;
}

/* A process that joins a frozen cgroup is frozen at once, and the runtime would wait for it forever. Returns
 * 1, 0 or a negative errno. */
static int is_frozen(struct rt_context *context, int directory)
{
	char value[8], frozen = '1';
	int length = read_at(context, directory, "cgroup.freeze", value, sizeof(value));
	if (length == -ENOENT) {
		length = read_at(context, directory, "freezer.state", value, sizeof(value));
		frozen = 'F';
	}
	/* Most v1 hierarchies, and the v2 root, have neither file. */
	if (length < 0)
		return length == -ENOENT ? 0 : length;
	return length > 0 && value[0] == frozen;
}

/* For a cgroup that already existed. No system call here returns these errno values otherwise. */
static int require_thawed(struct rt_context *context, int directory)
{
	int frozen = is_frozen(context, directory);
	if (frozen < 0)
		return frozen;
	return frozen ? rt_fail(context, "mkdirat", -EDEADLK) : 0;
}

static int require_empty(struct rt_context *context, int directory)
{
	char pid;
	int length = read_at(context, directory, "cgroup.procs", &pid, 1);
	if (length < 0)
		return length;
	return length > 0 ? rt_fail(context, "mkdirat", -ENOTEMPTY) : 0;
}

/* cpuset refuses tasks while cpus or mems are empty, as they are in a new v1 cgroup. */
static int inherit(struct rt_context *context, int parent, int child, struct rt_strs files)
{
	while (files.count > 0) {
		const char *name = rt_next_str(&files);
		char value[4096];
		int length = read_at(context, child, name, value, sizeof(value));
		if (length < 0)
			return length;
		if (length > 1)
			continue;
		length = read_at(context, parent, name, value, sizeof(value));
		if (length < 0)
			return length;
		int status = write_at(context, child, name, value, (size_t)length);
		if (status < 0)
			return status;
	}
	return 0;
}

int rt_cgroup_create(struct rt_context *context, const struct rt_op_cgroup_create *op)
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
		/* A new cgroup is empty. */
		if (!existed && *at == '\0' && op->inherit.count == 0)
			return 0;
		int child = open_component(context, parent, name);
		if (child < 0)
			return child;
		status = existed ? require_thawed(context, child) : 0;
		if (status == 0 && op->inherit.count > 0)
			status = inherit(context, parent, child, op->inherit);
		rt_close(&parent);
		parent = child;
		if (status < 0)
			return status;
	}
	if (status < 0)
		return rt_fail(context, "mkdirat", status);
	return existed ? require_empty(context, parent) : 0;
}

/* Whether a controller is enabled for a cgroup's children. */
static bool is_enabled(struct rt_context *context, int directory, const char *controller)
{
	char words[512];
	int length = read_at(context, directory, "cgroup.subtree_control", words, sizeof(words) - 1);
	words[length < 0 ? 0 : length] = '\0';
	for (char *word = words, *end; *word != '\0'; word = end + 1) {
		for (end = word; *end != ' ' && *end != '\n' && *end != '\0';)
			end++;
		bool last = *end == '\0';
		*end = '\0';
		if (rt_equal(word, controller))
			return true;
		if (last)
			break;
	}
	return false;
}

/* Above a delegated cgroup only root may write, and has already enabled the delegated controllers. */
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
		int status = write_at(context, directory, "cgroup.subtree_control", word, length + 1);
		const char *call = context->call;
		if (status < 0 && required && !is_enabled(context, directory, name))
			return rt_fail(context, call, status);
	}
	return 0;
}

int rt_cgroup_enable(struct rt_context *context, const struct rt_op_cgroup_enable *op)
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
	int status = write_at(context, AT_FDCWD, op->path.data, op->data.data, op->data.length);
	return op->ignore != 0 && status == -(int)op->ignore ? 0 : status;
}

int rt_write_files(struct rt_context *context, const struct rt_op_write_files *op)
{
	uint32_t count = op->paths.count;
	if (op->data.count != count)
		return rt_fail(context, "write", -E2BIG);
	bool written[RT_WRITE_FILES_PATHS_MOST] = {false};
	/* Each round writes at least one file or is the last. */
	for (uint32_t left = count; left > 0;) {
		struct rt_strs paths = op->paths, data = op->data;
		uint32_t before = left;
		int refused = 0;
		for (uint32_t i = 0; i < count; i++) {
			const char *path = rt_next_str(&paths);
			const char *text = rt_next_str(&data);
			if (written[i])
				continue;
			int status = write_at(context, AT_FDCWD, path, text, rt_strlen(text));
			if (status == 0) {
				written[i] = true;
				left--;
				continue;
			}
			if (refused == 0) {
				refused = status;
				context->item = i;
			}
			if (status != -EINVAL) {
				context->item = i;
				return status;
			}
		}
		if (left == before)
			return rt_fail(context, "write", refused);
	}
	return 0;
}

int rt_write_first(struct rt_context *context, const struct rt_op_write_first *op)
{
	if (op->data.count != op->paths.count)
		return rt_fail(context, "write", -E2BIG);
	struct rt_strs paths = op->paths, data = op->data;
	int status = rt_fail(context, "openat2", -ENOENT);
	for (context->item = 0; paths.count > 0; context->item++) {
		const char *path = rt_next_str(&paths);
		const char *text = rt_next_str(&data);
		status = write_at(context, AT_FDCWD, path, text, rt_strlen(text));
		if (status != -ENOENT)
			break;
	}
	return status;
}

int rt_cgroup_delegate(struct rt_context *context, const struct rt_op_cgroup_delegate *op)
{
	RT_CLEANUP_FD int directory = open_hierarchy(context, op->directory.data);
	if (directory < 0)
		return directory;
	long status = rt_sys(fchownat, directory, "", op->uid, -1, AT_EMPTY_PATH);
	for (struct rt_strs files = op->files; status >= 0 && files.count > 0;) {
		status = rt_sys(fchownat, directory, rt_next_str(&files), op->uid, -1, AT_SYMLINK_NOFOLLOW);
		if (status == -ENOENT)
			status = 0;
	}
	return status < 0 ? rt_fail(context, "fchownat", status) : 0;
}

int rt_write_device_rules(struct rt_context *context, const struct rt_op_write_device_rules *op)
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
	struct rt_strs rules = op->rules;
	for (context->item = 0; rules.count > 0; context->item++) {
		const char *rule = rt_next_str(&rules);
		long status = rt_sys(write, rule[0] == '+' ? allow : deny, rule + 1, rt_strlen(rule + 1));
		if (status < 0)
			return rt_fail(context, "write", status);
	}
	return 0;
}

int rt_cgroup_join(struct rt_context *context, const struct rt_op_cgroup_join *op)
{
	return write_at(context, AT_FDCWD, op->file.data, "0", 1);
}
