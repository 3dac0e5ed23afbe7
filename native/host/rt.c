/* The rt binary. Sealed, it runs the program already in its heap; see arena.h. */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arena.h"
#include "arrange.h"
#include "await_start.h"
#include "engine.h"

enum { INTERNAL_ERROR = 1, STACK_LIMIT = 2 * 1024 * 1024, BUILD_STACK = 2 * STACK_LIMIT };

static JSValue argument_list(JSContext *context, int count, char **from)
{
	JSValue list = JS_NewArray(context);
	for (int index = 1; index < count && !JS_IsException(list); index++) {
		JSValue word = JS_NewString(context, from[index]);
		if (JS_IsException(word) ||
			JS_SetPropertyUint32(context, list, (uint32_t)index - 1, word) < 0)
			return JS_EXCEPTION;
	}
	return list;
}

static int run(const struct rt_heap_root *root, int argc, char **argv)
{
	JSContext *context = root->context;
	/* The heap still refers to the build's stack. */
	JS_SetMaxStackSize(JS_GetRuntime(context), STACK_LIMIT);
	JS_UpdateStackTop(JS_GetRuntime(context));

	JSValue arguments = argument_list(context, argc, argv);
	JSValue status = JS_IsException(arguments)
				 ? arguments
				 : JS_Call(context, root->start, JS_UNDEFINED, 1, &arguments);
	int32_t code;
	if (JS_IsException(status) || JS_ToInt32(context, &code, status) < 0) {
		/* Checked first: the program may have turned the failed allocation into another error. */
		if (rt_heap_is_exhausted())
			fputs("rt: out of memory\n", stderr);
		else
			rt_engine_print_exception(context);
		return INTERNAL_ERROR;
	}
	return code;
}

/* Starts the engine with the program; the context is NULL on failure. */
static struct rt_heap_root start(const char *program)
{
	JSContext *context = rt_engine_start(rt_engine_compile(program));
	if (!context)
		return (struct rt_heap_root){0};
	JSValue global = JS_GetGlobalObject(context);
	JSValue function = JS_GetPropertyStr(context, global, "start");
	if (!JS_IsFunction(context, function)) {
		fputs("rt: the program defines no function start\n", stderr);
		return (struct rt_heap_root){0};
	}
	return (struct rt_heap_root){context, function};
}

/* Runs commands against a simulated host, and records which heap blocks they use. */
static bool rehearse(const char *program, const char *host)
{
	char *usage[] = {"rt", "run", "--bundle", "/bundle"};
	char *state[] = {"rt", "state", "c"};
	char *container[] = {"rt", "run", "--bundle", "/bundle", "c"};
	char *plain[] = {"rt", "--root", "/run/rt", "run", "--bundle", "/plain", "c"};
	char *process[] = {"rt", "exec", "c", "true"};
	char *begin[] = {"rt", "start", "c"};
	char *end[] = {"rt", "delete", "--force", "c"};
	if (!rt_heap_scatter())
		return false;
	const struct rt_heap_root root = start(program);
	if (!root.context || !rt_engine_run(root.context, host) || !rt_heap_watch(RT_HEAP_START))
		return false;
	bool held = run(&root, 4, usage) != 0 && run(&root, 3, state) == 0 && rt_heap_watch(RT_HEAP_PLAN);
	return held && run(&root, 3, begin) == 0 && run(&root, 4, process) == 0 &&
	       run(&root, 5, container) == 0 && run(&root, 7, plain) == 0 && run(&root, 4, end) == 0;
}

/* In a child process, which leaves this one's heap unchanged. */
static bool learn(const char *program, const char *host)
{
	pid_t child = rt_heap_learn() ? fork() : -1;
	if (child == 0)
		_exit(rehearse(program, host) ? 0 : INTERNAL_ERROR);
	int status;
	return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

/* Writes a file, or prints an error message. */
static int save(const char *path, const void *bytes, size_t length)
{
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (file >= 0 && write(file, bytes, length) == (ssize_t)length)
		return 0;
	perror(path);
	return INTERNAL_ERROR;
}

static int save_code(const char *program, const char *file)
{
	const struct rt_code code = rt_engine_compile(program);
	return code.bytes ? save(file, code.bytes, code.length) : INTERNAL_ERROR;
}

/* Without a host there is no rehearsal, and blocks stay in allocation order. */
static int save_image(const char *program, const char *file, const char *host)
{
	if (host && !learn(program, host)) {
		fputs("rt: cannot find out which blocks of the heap a command uses\n", stderr);
		return INTERNAL_ERROR;
	}
	const struct rt_heap_root root = start(program);
	if (!root.context)
		return INTERNAL_ERROR;
	const void *bytes = rt_heap_seal(root);
	if (!bytes) {
		fputs("rt: the heap has outgrown RT_HEAP_SIZE\n", stderr);
		return INTERNAL_ERROR;
	}
	return save(file, bytes, RT_HEAP_SIZE);
}

struct words {
	int count;
	char **from;
};

/* Build time only: rt image PROGRAM.js IMAGE [HOST.js], or rt code PROGRAM.js CODE. */
static int make(void *argument)
{
	const struct words *words = argument;
	char **argv = words->from;
	if (words->count == 4 && strcmp(argv[1], "code") == 0)
		return save_code(argv[2], argv[3]);
	if ((words->count == 4 || words->count == 5) && strcmp(argv[1], "image") == 0)
		return save_image(argv[2], argv[3], argv[4]);
	fputs("rt: this binary has no program in it: its build did not finish\n", stderr);
	return INTERNAL_ERROR;
}

/* In a child process, because the place of this one's stack is random and depends on the environment. */
static int seal(int argc, char **argv)
{
	char *stack = rt_heap_fix_addresses(BUILD_STACK);
	pid_t child = stack ? clone(make, stack, SIGCHLD, &(struct words){argc, argv}) : -1;
	int status;
	if (child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status))
		return WEXITSTATUS(status);
	fputs("rt: cannot make the heap image at fixed addresses\n", stderr);
	return INTERNAL_ERROR;
}

/* Otherwise the next file opened becomes standard output and receives messages. */
static void fill_standard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			_exit(INTERNAL_ERROR);
}

int main(int argc, char **argv)
{
	fill_standard_descriptors();
	/* As in Node, a write beyond RLIMIT_FSIZE fails with EFBIG, so that partial work can be undone. */
	signal(SIGXFSZ, SIG_IGN);
	if (getauxval(AT_SECURE)) {
		fputs("rt: refusing to run with set-user-ID, set-group-ID or file capabilities\n", stderr);
		_exit(INTERNAL_ERROR);
	}
	rt_arguments = argv;
	rt_await_leanly();
	const struct rt_heap_root *root = rt_heap_root();
	int status = root ? run(root, argc, argv) : seal(argc, argv);
	_exit(status);
}
