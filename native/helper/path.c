/* Paths below the container's root, resolved by the kernel to descriptors, and only once. */
#include "context.h"
#include "sys.h"

enum { MAX_LINKS = 40, MAX_RACES = 64 };

struct walk {
	int root;
	uint64_t resolve;
	char path[RT_PATH_MAX];
	unsigned links;
	unsigned races;
};

/* EAGAIN: a rename raced with `..` in the path (openat2(2)). */
static int open_below(struct walk *walk, const char *path, uint64_t flags)
{
	int fd;
	do
		fd = rt_open_how(walk->root, path, O_PATH | flags, 0, walk->resolve);
	while (fd == -EAGAIN && walk->races++ < MAX_RACES);
	return fd;
}

static int copy_path(char *to, const char *from)
{
	size_t length = rt_strlen(from);
	if (length >= RT_PATH_MAX)
		return -ENAMETOOLONG;
	for (size_t i = 0; i <= length; i++)
		to[i] = from[i]; /* NOLINT(clang-analyzer-core.uninitialized.Assign): ends with the text */
	return 0;
}

static int append(char *to, size_t *length, const char *from, size_t count)
{
	if (*length + count >= RT_PATH_MAX)
		return -ENAMETOOLONG;
	for (size_t i = 0; i < count; i++)
		to[(*length)++] = from[i];
	to[*length] = '\0';
	return 0;
}

/* walk->path[start, end) is a dangling symbolic link in `parent`: replaces it by its target, so that the
 * missing file is created where the link points, inside the root. */
static int follow_dangling(struct walk *walk, int parent, const char *name, size_t start, size_t end)
{
	char target[RT_PATH_MAX];
	char next[RT_PATH_MAX];
	size_t length = 0;
	long size = rt_sys(readlinkat, parent, name, target, sizeof(target));
	if (size == -EINVAL || size == -ENOENT)
		return walk->races++ < MAX_RACES ? 0 : -EEXIST; /* created meanwhile: look again */
	if (size < 0)
		return (int)size;
	if (size >= (long)sizeof(target))
		return -ENAMETOOLONG;
	if (walk->resolve & RESOLVE_NO_SYMLINKS || walk->links++ >= MAX_LINKS)
		return -ELOOP;
	if (target[0] != '/' && append(next, &length, walk->path, start) < 0)
		return -ENAMETOOLONG;
	if (append(next, &length, target, (size_t)size) < 0 || append(next, &length, "/", 1) < 0 ||
		append(next, &length, walk->path + end, rt_strlen(walk->path + end)) < 0)
		return -ENAMETOOLONG;
	while (length > 1 && next[length - 1] == '/')
		next[--length] = '\0';
	return copy_path(walk->path, next);
}

static int make(int parent, const char *name, bool last, enum rt_missing missing, uint32_t mode)
{
	if (!last || missing == RT_MISSING_DIRECTORY)
		return (int)rt_sys(mkdirat, parent, name, last ? mode : 0755);
	int fd =
		(int)rt_sys(openat, parent, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, mode);
	if (fd < 0)
		return fd;
	rt_close(&fd);
	return 0;
}

/* Opens the deepest existing directory of walk->path; `end` is where its name ends, 0 for the root. */
static int open_deepest(struct walk *walk, size_t *end)
{
	int fd = -ENOENT;
	size_t at = rt_strlen(walk->path);
	while (fd == -ENOENT && at > 0) {
		do
			at--;
		while (at > 0 && walk->path[at] != '/');
		char saved = walk->path[at];
		walk->path[at] = '\0';
		fd = open_below(walk, at == 0 ? "/" : walk->path, O_DIRECTORY);
		walk->path[at] = saved;
		*end = at;
	}
	return fd;
}

/* Creates the missing part of walk->path. Returns 1 to resolve the changed path again. */
static int make_missing(struct walk *walk, enum rt_missing missing, uint32_t mode, int *result)
{
	size_t end = 0;
	RT_CLEANUP_FD int parent = open_deepest(walk, &end);
	if (parent < 0)
		return parent;
	/* There are no links below a new directory: one component at a time. */
	for (;;) {
		size_t start = end;
		while (walk->path[start] == '/')
			start++;
		if (walk->path[start] == '\0')
			break;
		end = start;
		while (walk->path[end] != '\0' && walk->path[end] != '/')
			end++;
		char name[256];
		if (end - start >= sizeof(name))
			return -ENAMETOOLONG;
		for (size_t i = start; i < end; i++)
			name[i - start] = walk->path[i];
		name[end - start] = '\0';
		bool last = walk->path[end] == '\0';
		int status = make(parent, name, last, missing, mode);
		if (status == -EEXIST) {
			status = follow_dangling(walk, parent, name, start, end);
			return status < 0 ? status : 1;
		}
		if (status < 0)
			return status;
		int child = (int)rt_sys(
			openat, parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC | (last ? 0 : O_DIRECTORY));
		if (child < 0)
			return child;
		rt_close(&parent);
		parent = child;
	}
	*result = rt_steal_fd(&parent);
	return 0;
}

static int resolve(
	struct rt_context *context, const char *path, enum rt_missing missing, uint32_t mode, bool plain)
{
	struct walk walk = {.root = context->slots[0],
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | (plain ? RESOLVE_NO_SYMLINKS : 0)};
	int status = copy_path(walk.path, path);
	context->made = false;
	if (status < 0)
		return status;
	for (;;) {
		int fd = open_below(&walk, walk.path, 0);
		if (fd != -ENOENT || missing == RT_MISSING_FAILS)
			return fd;
		status = make_missing(&walk, missing, mode, &fd);
		context->made = status == 0;
		if (status <= 0)
			return status < 0 ? status : fd;
	}
}

int rt_resolve(
	struct rt_context *context, const char *path, enum rt_missing missing, uint32_t mode, bool plain)
{
	int fd = resolve(context, path, missing, mode, plain);
	if (fd < 0)
		return rt_fail(context, "openat2", fd);
	return fd;
}

int rt_resolve_parent(
	struct rt_context *context, const char *path, enum rt_missing missing, bool plain, const char **name)
{
	char parent[RT_PATH_MAX];
	size_t slash = 0, length = rt_strlen(path);
	if (length >= sizeof(parent))
		return rt_fail(context, "openat2", -ENAMETOOLONG);
	for (size_t i = 0; i < length; i++)
		if (path[i] == '/')
			slash = i;
	for (size_t i = 0; i < slash; i++)
		parent[i] = path[i];
	parent[slash == 0 ? 0 : slash] = '\0';
	if (slash == 0) {
		parent[0] = '/';
		parent[1] = '\0';
	}
	*name = path + slash + 1;
	return rt_resolve(context, parent, missing, 0755, plain);
}
