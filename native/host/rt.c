/* The rt binary. Sealed, it runs the program that is already in its heap; see arena.h. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arena.h"
#include "engine.h"

enum { INTERNAL_ERROR = 1, STACK_LIMIT = 2 * 1024 * 1024 };

static JSValue argument_list(JSContext *context, int count, char **from)
{
	JSValue list = JS_NewArray(context);
	for (int index = 1; index < count; index++)
		JS_SetPropertyUint32(context, list, (uint32_t)index - 1, JS_NewString(context, from[index]));
	return list;
}

static int run(const struct rt_heap_root *root, int argc, char **argv)
{
	JSContext *context = root->context;
	/* The heap still has the stack of the build in it. */
	JS_SetMaxStackSize(JS_GetRuntime(context), STACK_LIMIT);
	JS_UpdateStackTop(JS_GetRuntime(context));

	JSValue arguments = argument_list(context, argc, argv);
	JSValue status = JS_Call(context, root->start, JS_UNDEFINED, 1, &arguments);
	int32_t code;
	if (JS_IsException(status) || JS_ToInt32(context, &code, status) < 0) {
		rt_engine_print_exception(context);
		return INTERNAL_ERROR;
	}
	return code;
}

/* Which pages of the heap are written to is found out in a process of its own, whose heap is then thrown away. A plan
 * that fails, for want of a cgroup where packages are built, writes to nearly the same. */
static bool learn(const struct rt_heap_root *root, int image, char *bundle)
{
	pid_t child = fork();
	if (child == 0) {
		char *version[] = {"rt", "--version"};
		char *plan[] = {"rt", "plan", "--bundle", bundle};
		int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
		if (dup2(nowhere, STDOUT_FILENO) < 0 || dup2(nowhere, STDERR_FILENO) < 0)
			_exit(INTERNAL_ERROR);
		bool learned = rt_heap_watch(RT_HEAP_START) && run(root, 2, version) == 0;
		learned = learned && rt_heap_watch(RT_HEAP_PLAN);
		(void)run(root, 4, plan);
		_exit(learned && rt_heap_learn(image) ? 0 : INTERNAL_ERROR);
	}
	int status;
	return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

/* Only at build time: rt PROGRAM.js IMAGE BUNDLE. */
static int seal(int argc, char **argv)
{
	if (argc != 4) {
		fputs("rt: this binary has no program in it: its build did not finish\n", stderr);
		return INTERNAL_ERROR;
	}
	JSContext *context = rt_engine_start(argv[1]);
	if (!context)
		return INTERNAL_ERROR;
	JSValue global = JS_GetGlobalObject(context);
	JSValue start = JS_GetPropertyStr(context, global, "start");
	if (!JS_IsFunction(context, start)) {
		fputs("rt: the program defines no function start\n", stderr);
		return INTERNAL_ERROR;
	}
	int image = open(argv[2], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (image < 0) {
		perror(argv[2]);
		return INTERNAL_ERROR;
	}
	const struct rt_heap_root root = {context, start};
	const void *bytes = rt_heap_seal(root);
	if (!bytes || write(image, bytes, RT_HEAP_SIZE) != RT_HEAP_SIZE) {
		fputs("rt: cannot write the heap: it has outgrown RT_HEAP_SIZE, or the disk is full\n",
			stderr);
		return INTERNAL_ERROR;
	}
	if (!learn(&root, image, argv[3])) {
		fputs("rt: cannot find out which pages of the heap a plan takes\n", stderr);
		return INTERNAL_ERROR;
	}
	return 0;
}

/* Else the next file opened becomes standard output, and messages end up in it. */
static void fill_standard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			_exit(INTERNAL_ERROR);
}

int main(int argc, char **argv)
{
	fill_standard_descriptors();
	if (getauxval(AT_SECURE)) {
		fputs("rt: refusing to run with set-user-ID, set-group-ID or file capabilities\n", stderr);
		_exit(INTERNAL_ERROR);
	}
	const struct rt_heap_root *root = rt_heap_root();
	int status = root ? run(root, argc, argv) : seal(argc, argv);
	_exit(status);
}
