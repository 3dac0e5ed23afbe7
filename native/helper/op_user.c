/* User namespaces: created with a process that keeps them alive, joined afterwards (user_namespaces(7)). */
#include "context.h"
#include "decimal.h"
#include "hook.h"
#include "sys.h"

#include <linux/capability.h>
#include <linux/mman.h>
#include <linux/prctl.h>

/* A map has at most 340 lines (user_namespaces(7)), formatted by the kernel as "%10u %10u %10u\n". */
enum { MAP_MAX = 340 * 33, TOOL_TIMEOUT_MS = 10000 };

/* Starts a process in a user namespace, a new one or `space`, that only waits for the end of `hold`. It has a
 * copy of the helper's memory and is also non-dumpable, except where a process without privileges over root's
 * files must write its maps. */
static long start_keeper(struct rt_context *context, int hold[2], int space, bool dumpable)
{
	RT_CLEANUP_FD int ready = -1, entered = -1;
	int ends[2];
	long status = rt_sys(pipe2, hold, O_CLOEXEC);
	if (status >= 0)
		status = rt_sys(pipe2, ends, O_CLOEXEC);
	if (status < 0)
		return rt_fail(context, "pipe2", status);
	ready = ends[0];
	entered = ends[1];
	struct clone_args clone = {.flags = space < 0 ? CLONE_NEWUSER : 0, .exit_signal = SIGCHLD};
	if (dumpable)
		rt_sys(prctl, PR_SET_DUMPABLE, 1, 0, 0, 0);
	long pid = rt_sys(clone3, &clone, sizeof(clone));
	if (pid == 0) {
		char byte;
		rt_sys(close, hold[1]);
		if (space >= 0 && (status = rt_sys(setns, space, CLONE_NEWUSER)) >= 0)
			status = rt_hide(context);
		/* The parent would wait for ever for a record that was not written. */
		if (rt_sys(write, entered, &status, sizeof(status)) == sizeof(status))
			rt_sys(read, hold[0], &byte, 1);
		rt_leave(0);
	}
	int hidden = dumpable ? rt_hide(context) : 0;
	if (pid < 0 || hidden < 0)
		return pid < 0 ? rt_fail(context, "clone3", pid) : hidden;
	rt_close(&entered);
	/* Before it has entered, its maps are another namespace's. */
	if (rt_sys(read, ready, &status, sizeof(status)) != sizeof(status))
		status = -EPIPE;
	return status < 0 ? rt_fail(context, "setns", status) : pid;
}

/* A uid that no image uses: 2^31 and above, except the last two, which some systems use as "nobody" and
 * setresuid(2) as "no change". */
static int choose_owner(struct rt_context *context, uint32_t *owner)
{
	enum { FIRST = 1u << 31, COUNT = FIRST - 2 };
	long size = rt_sys(getrandom, owner, sizeof(*owner), 0);
	if (size < 0)
		return rt_fail(context, "getrandom", size);
	*owner = FIRST + *owner % COUNT;
	return 0;
}

struct made {
	const char *call;
	long status; /* descriptor of the user namespace, or a negative errno */
};

/* The creator of a user namespace owns it. The capabilities are raised again, since some systems restrict
 * unshare to privileged processes; the real uid stays root, so the permitted set is kept. */
static struct made make_as(uint32_t owner)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	long status = rt_sys(capget, &header, data);
	if (status < 0)
		return (struct made){"capget", status};
	for (int half = 0; half < _LINUX_CAPABILITY_U32S_3; half++)
		data[half].effective = data[half].permitted;
	status = rt_sys(setresuid, -1, owner, -1);
	/* The runtime's user namespace may not map the uid: then root owns the new one. */
	if (status < 0 && status != -EINVAL)
		return (struct made){"setresuid", status};
	/* The change of credentials has reset this to fs.suid_dumpable (prctl(2)). */
	status = rt_sys(prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (status < 0)
		return (struct made){"prctl", status};
	status = rt_sys(capset, &header, data);
	if (status < 0)
		return (struct made){"capset", status};
	status = rt_sys(unshare, CLONE_NEWUSER);
	if (status < 0)
		return (struct made){"unshare", status};
	return (struct made){"openat2", rt_open_how(AT_FDCWD, "/proc/self/ns/user", O_RDONLY, 0, 0)};
}

/* Creates a user namespace owned by an unused uid. Since /proc shows every process's uid, only one process
 * ever has it, which shares the descriptor table and exits at once. */
static int make_unowned(struct rt_context *context)
{
	uint32_t owner;
	int ends[2], status = choose_owner(context, &owner);
	if (status < 0)
		return status;
	long piped = rt_sys(pipe2, ends, O_CLOEXEC | O_NONBLOCK);
	if (piped < 0)
		return rt_fail(context, "pipe2", piped);
	RT_CLEANUP_FD int read_end = ends[0];
	RT_CLEANUP_FD int write_end = ends[1];
	struct clone_args clone = {.flags = CLONE_FILES, .exit_signal = SIGCHLD};
	struct made made;
	long pid = rt_sys(clone3, &clone, sizeof(clone));
	if (pid < 0)
		return rt_fail(context, "clone3", pid);
	if (pid == 0) {
		made = make_as(owner);
		rt_sys(write, write_end, &made, sizeof(made));
		rt_leave(0);
	}
	while (rt_sys(wait4, pid, NULL, 0, NULL) == -EINTR)
		;
	if (rt_sys(read, read_end, &made, sizeof(made)) != sizeof(made))
		return rt_fail(context, "read", -EPIPE);
	return made.status < 0 ? rt_fail(context, made.call, made.status) : (int)made.status;
}

enum { PATH_SIZE = 64 };

/* Appends as much of `text` as fits into `size` bytes with a NUL. */
static size_t append(char *to, size_t size, size_t at, const char *text)
{
	for (size_t i = 0; text[i] != '\0' && at + 1 < size; i++)
		to[at++] = text[i];
	to[at] = '\0';
	return at;
}

static size_t append_number(char *to, size_t size, size_t at, uint32_t value)
{
	char digits[RT_DECIMAL_SIZE];
	return append(to, size, at, rt_decimal(digits, value));
}

/* /proc/PID/FILE */
static void process_file(char path[PATH_SIZE], long pid, const char *file)
{
	size_t at = append(path, PATH_SIZE, 0, "/proc/");
	at = append_number(path, PATH_SIZE, at, (uint32_t)pid);
	at = append(path, PATH_SIZE, at, "/");
	append(path, PATH_SIZE, at, file);
}

static int write_map(
	struct rt_context *context, long keeper, const char *file, const char *text, size_t length)
{
	char path[PATH_SIZE];
	process_file(path, keeper, file);
	RT_CLEANUP_FD int fd = rt_open_how(AT_FDCWD, path, O_WRONLY | O_NOFOLLOW, 0, 0);
	long written = fd < 0 ? fd : rt_sys(write, fd, text, length);
	if (written >= 0)
		return 0;
	context->detail_length = (uint32_t)append(context->detail, sizeof(context->detail), 0, file);
	return rt_fail(context, "write", written);
}

/* Splits `text` in place at spaces and newlines; returns the number of words. */
static size_t split(char *text, const char **words)
{
	size_t count = 0;
	for (char *at = text; *at != '\0';) {
		words[count++] = at;
		while (*at != '\0' && *at != ' ' && *at != '\n')
			at++;
		while (*at == ' ' || *at == '\n')
			*at++ = '\0';
	}
	return count;
}

/* newuidmap PID INSIDE OUTSIDE SIZE...: the numbers of the map's lines become arguments. */
static int run_tool(struct rt_context *context, long keeper, struct rt_str tool, struct rt_str map)
{
	static struct rt_hook_result result;
	static const char *const env[] = {NULL};
	char digits[RT_DECIMAL_SIZE];
	/* A word takes at least two bytes; plus two words and NULL. */
	size_t vector_size = ((size_t)map.length / 2 + 4) * sizeof(char *),
	       size = vector_size + map.length + 1;
	long memory = rt_sys(mmap, NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory < 0 && memory > -RT_PATH_MAX)
		return rt_fail(context, "mmap", memory);
	const char **args = (const char **)memory;
	char *words = (char *)memory + vector_size;
	append(words, map.length + 1, 0, map.data);
	args[0] = tool.data;
	args[1] = rt_decimal(digits, (uint32_t)keeper);
	args[2 + split(words, args + 2)] = NULL;
	int status = rt_hook_run(
		tool.data, args, env, -1, NULL, 0, TOOL_TIMEOUT_MS, (const int[2]){-1, -1}, NULL, &result);
	rt_sys(munmap, memory, size);
	if (status < 0)
		return rt_fail(context, "clone", status);
	if (result.outcome == RT_HOOK_EXITED && result.value == 0)
		return 0;
	if (result.outcome == RT_HOOK_NOT_RUN)
		return rt_fail(context, "execve", -(int)result.value);
	context->detail_length = result.err_length;
	for (uint32_t i = 0; i < result.err_length; i++)
		context->detail[i] = result.err[i];
	return rt_fail(context, "newuidmap", -EPERM);
}

static int write_maps(struct rt_context *context, long keeper, const struct rt_op_user_namespace *op)
{
	int status = op->deny_setgroups ? write_map(context, keeper, "setgroups", "deny", 4) : 0;
	if (status == 0)
		status = op->uid_tool.length > 0 ? run_tool(context, keeper, op->uid_tool, op->uid_map)
						 : write_map(context, keeper, "uid_map", op->uid_map.data,
							   op->uid_map.length);
	if (status == 0)
		status = op->gid_tool.length > 0 ? run_tool(context, keeper, op->gid_tool, op->gid_map)
						 : write_map(context, keeper, "gid_map", op->gid_map.data,
							   op->gid_map.length);
	return status;
}

/* Opens the keeper's user namespace. */
static int open_kept(struct rt_context *context, long keeper)
{
	char path[PATH_SIZE];
	process_file(path, keeper, "ns/user");
	int space = rt_open_how(AT_FDCWD, path, O_RDONLY, 0, 0);
	return space < 0 ? rt_fail(context, "openat2", space) : space;
}

int rt_user_namespace(struct rt_context *context, const struct rt_op_user_namespace *op)
{
	int hold[2] = {-1, -1};
	RT_CLEANUP_FD int space = op->unguessable ? make_unowned(context) : -1;
	if (op->unguessable && space < 0)
		return space;
	long keeper = start_keeper(context, hold, space, op->dumpable != 0);
	rt_close(&hold[0]);
	int status = keeper < 0 ? (int)keeper : write_maps(context, keeper, op);
	if (status == 0 && space < 0)
		status = space = open_kept(context, keeper);
	rt_close(&hold[1]);
	while (keeper > 0 && rt_sys(wait4, keeper, NULL, 0, NULL) == -EINTR)
		;
	if (status < 0)
		return status;
	rt_close(&context->slots[op->slot]);
	context->slots[op->slot] = rt_steal_fd(&space);
	return 0;
}

/* Parses the number at *at and advances. False if there is none. */
static bool next_number(const char **at, uint64_t *value)
{
	while (**at == ' ' || **at == '\n' || **at == '\t')
		(*at)++;
	if (**at == '\0')
		return false;
	for (*value = 0; **at >= '0' && **at <= '9'; (*at)++)
		*value = *value * 10 + (uint64_t)(**at - '0');
	return true;
}

static int check_map(struct rt_context *context, const char *path, const char *wanted)
{
	char text[MAP_MAX + 1];
	size_t length = 0;
	RT_CLEANUP_FD int fd = rt_open_how(AT_FDCWD, path, O_RDONLY, 0, 0);
	if (fd < 0)
		return rt_fail(context, "openat2", fd);
	/* Each read returns at most one page. */
	for (long size = 1; size > 0; length += (size_t)size) {
		size = rt_sys(read, fd, text + length, MAP_MAX - length);
		if (size < 0)
			return rt_fail(context, "read", size);
	}
	text[length] = '\0';
	const char *found = text;
	uint64_t a = 0, b = 0;
	for (;;) {
		bool more = next_number(&wanted, &a);
		if (next_number(&found, &b) != more || (more && a != b))
			break;
		if (!more)
			return 0;
	}
	context->detail_length = (uint32_t)append(context->detail, sizeof(context->detail), 0, text);
	return rt_fail(context, "read", -EINVAL);
}

int rt_check_id_maps(struct rt_context *context, const struct rt_op_check_id_maps *op)
{
	int status = check_map(context, "/proc/self/uid_map", op->uid_map.data);
	return status < 0 ? status : check_map(context, "/proc/self/gid_map", op->gid_map.data);
}

int rt_become_root(struct rt_context *context, const struct rt_op_become_root *op)
{
	long status = op->groups == RT_GROUPS_RULE_KEEP ? 0 : rt_sys(setgroups, 0, NULL);
	if (status < 0 && !(status == -EPERM && op->groups == RT_GROUPS_RULE_SET_IF_ALLOWED))
		return rt_fail(context, "setgroups", status);
	status = rt_sys(setresgid, 0, 0, 0);
	if (status < 0)
		return rt_fail(context, "setresgid", status);
	status = rt_sys(setresuid, 0, 0, 0);
	if (status < 0)
		return rt_fail(context, "setresuid", status);
	/* The change of credentials has reset both (prctl(2); dumpable to fs.suid_dumpable). */
	int hidden = rt_hide(context);
	return hidden < 0 ? hidden : rt_end_with_parent(context);
}
