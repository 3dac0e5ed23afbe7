/* All cgroups of a container. It may have made some below its own, with arbitrary names and deeper than
 * PATH_MAX allows. Each is therefore opened by name in its parent, and at most two are open at a time. */
#include <fcntl.h>
#include <stdbool.h>
#include <sys/syscall.h>

#include "result.h"

/* Bounds the walk: the container may make cgroups while it runs. */
enum { VISITS_MAX = 1 << 20, ENTRIES_SIZE = 16 * 1024, READ_SIZE = 4096 };

/* struct linux_dirent64, getdents64(2). */
struct entry {
	uint64_t inode;
	int64_t offset;
	uint16_t size;
	uint8_t type;
	char name[];
};

struct text {
	char *data;
	size_t length, capacity;
};

/* The names of a cgroup's children, each terminated by NUL. */
struct level {
	struct text names;
	size_t current, next;
};

struct walk {
	struct level *levels;
	size_t depth, capacity;
	int at; /* the cgroup of the last level */
	struct text pids;
};

enum next { GO_DOWN, PASS_BY };

/* Callbacks for each cgroup; a negative errno ends the walk. `inside` gets the cgroup's descriptor on the way
 * down. `before` and `after` get each descendant by its name in its parent. */
struct visitor {
	int (*before)(int above, const char *name);
	int (*inside)(struct walk *walk, int cgroup);
	int (*after)(int above, const char *name);
};

/* Operations on a removed cgroup that is still open fail with ENODEV. */
static bool is_gone(int error)
{
	return error == ENOENT || error == ENODEV;
}

static bool append(struct text *text, const char *from, size_t length)
{
	if (text->capacity - text->length < length) {
		size_t capacity = (text->length + length) * 2;
		char *larger = realloc(text->data, capacity);
		if (!larger)
			return false;
		text->data = larger;
		text->capacity = capacity;
	}
	memcpy(text->data + text->length, from, length);
	text->length += length;
	return true;
}

static int list(int cgroup, struct text *names)
{
	char entries[ENTRIES_SIZE] __attribute__((aligned(8)));
	for (;;) {
		long size = syscall(SYS_getdents64, cgroup, entries, sizeof(entries));
		if (size < 0)
			return is_gone(errno) ? 0 : -errno;
		if (size == 0)
			return 0;
		for (long at = 0; at < size;) {
			const struct entry *entry = (const void *)(entries + at);
			at += entry->size;
			if (entry->type != DT_DIR || strcmp(entry->name, ".") == 0 ||
				strcmp(entry->name, "..") == 0)
				continue;
			if (!append(names, entry->name, strlen(entry->name) + 1))
				return -ENOMEM;
		}
	}
}

/* Descends into `cgroup` and takes ownership of it. */
static int go_down(struct walk *walk, int cgroup)
{
	if (walk->depth == walk->capacity) {
		size_t capacity = walk->capacity * 2 + 16;
		struct level *larger = realloc(walk->levels, capacity * sizeof(*larger));
		if (!larger) {
			close(cgroup);
			return -ENOMEM;
		}
		walk->levels = larger;
		walk->capacity = capacity;
	}
	struct level *level = &walk->levels[walk->depth++];
	*level = (struct level){0};
	rt_close_fd(&walk->at);
	walk->at = cgroup;
	return list(cgroup, &level->names);
}

/* A removed cgroup still refers to its parent. */
static int go_up(struct walk *walk)
{
	free(walk->levels[--walk->depth].names.data);
	if (walk->depth == 0)
		return 0;
	int above = openat(walk->at, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (above < 0)
		return -errno;
	close(walk->at);
	walk->at = above;
	return 0;
}

static int enter(struct walk *walk, int above, const char *name, const struct visitor *visitor)
{
	int cgroup = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (cgroup < 0)
		return is_gone(errno) && walk->depth > 0 ? 0 : -errno;
	int status = visitor->inside ? visitor->inside(walk, cgroup) : 0;
	if (status < 0) {
		close(cgroup);
		return status;
	}
	return go_down(walk, cgroup);
}

static void end_walk(struct walk *walk)
{
	while (walk->depth > 0)
		free(walk->levels[--walk->depth].names.data);
	free(walk->levels);
	free(walk->pids.data);
	rt_close_fd(&walk->at);
}

static const char *current_name(const struct walk *walk)
{
	const struct level *level = &walk->levels[walk->depth - 1];
	return level->names.data + level->current;
}

/* Visits the cgroup at `path` and its descendants. */
static int visit_all(struct walk *walk, const char *path, const struct visitor *visitor)
{
	int status = enter(walk, AT_FDCWD, path, visitor);
	for (size_t visits = 0; status >= 0 && walk->depth > 0;) {
		struct level *level = &walk->levels[walk->depth - 1];
		if (level->next == level->names.length) {
			status = go_up(walk);
			if (status == 0 && walk->depth > 0 && visitor->after)
				status = visitor->after(walk->at, current_name(walk));
			continue;
		}
		if (++visits == VISITS_MAX)
			return -E2BIG;
		level->current = level->next;
		const char *name = current_name(walk);
		level->next += strlen(name) + 1;
		status = visitor->before ? visitor->before(walk->at, name) : GO_DOWN;
		if (status == GO_DOWN)
			status = enter(walk, walk->at, name, visitor);
	}
	return status < 0 ? status : 0;
}

static int read_processes(struct walk *walk, int cgroup)
{
	char block[READ_SIZE];
	RT_CLOSE_FD int file = openat(cgroup, "cgroup.procs", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (file < 0)
		return is_gone(errno) ? 0 : -errno;
	for (;;) {
		ssize_t size = read(file, block, sizeof(block));
		if (size == 0)
			return 0;
		/* Processes of a threaded cgroup belong to its threaded domain, an ancestor (cgroups(7),
		 * "Thread mode"). */
		if (size < 0 && errno != EINTR)
			return is_gone(errno) || errno == EOPNOTSUPP ? 0 : -errno;
		if (size > 0 && !append(&walk->pids, block, (size_t)size))
			return -ENOMEM;
	}
}

int64_t rt_fn_cgroupProcesses(const struct rt_value *args, struct rt_result *result)
{
	static const struct visitor reader = {.inside = read_processes};
	__attribute__((cleanup(end_walk))) struct walk walk = {.at = -1};
	int status = visit_all(&walk, args[0].data, &reader);
	if (status < 0)
		return status;
	return rt_result_copy(result, walk.pids.length == 0 ? "" : walk.pids.data, walk.pids.length);
}

static int thaw(struct walk *walk, int cgroup)
{
	static const char thawed[] = "THAWED";
	(void)walk;
	RT_CLOSE_FD int file = openat(cgroup, "freezer.state", O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	if (file < 0 || write(file, thawed, sizeof(thawed) - 1) < 0)
		return is_gone(errno) ? 0 : -errno;
	return 0;
}

int64_t rt_fn_thawCgroups(const struct rt_value *args, struct rt_result *result)
{
	static const struct visitor thawer = {.inside = thaw};
	__attribute__((cleanup(end_walk))) struct walk walk = {.at = -1};
	(void)result;
	return visit_all(&walk, args[0].data, &thawer);
}

/* Descends into a busy cgroup, which may have no children left afterwards. */
static int remove_before(int above, const char *name)
{
	if (unlinkat(above, name, AT_REMOVEDIR) == 0 || is_gone(errno))
		return PASS_BY;
	return errno == EBUSY ? GO_DOWN : -errno;
}

static int remove_after(int above, const char *name)
{
	return remove_before(above, name) < 0 ? -errno : 0;
}

int64_t rt_fn_removeCgroups(const struct rt_value *args, struct rt_result *result)
{
	static const struct visitor remover = {.before = remove_before, .after = remove_after};
	__attribute__((cleanup(end_walk))) struct walk walk = {.at = -1};
	(void)result;
	const char *path = args[0].data;
	if (rmdir(path) == 0 || is_gone(errno))
		return 0;
	if (errno != EBUSY)
		return -errno;
	int status = visit_all(&walk, path, &remover);
	if (status < 0 && status != -E2BIG && status != -ENOENT)
		return status;
	return rmdir(path) == 0 || is_gone(errno) ? 0 : -errno;
}
