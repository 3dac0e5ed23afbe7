/* Native functions that wait for kernel files to change or programs to end. */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "result.h"

enum { MAX_POLLED = 8, FIRST_READ = 64 * 1024 };

/* Argument: pairs of int32, descriptor and poll(2) events. Returns the index of the first ready one, or -ETIMEDOUT. */
int64_t rt_fn_poll(const struct rt_value *args, struct rt_result *result)
{
	(void)result;
	int32_t pairs[MAX_POLLED][2];
	size_t count = args[0].length / sizeof(pairs[0]);
	if (count > MAX_POLLED || args[0].length % sizeof(pairs[0]) != 0)
		return -EINVAL;
	memcpy(pairs, args[0].data, args[0].length);
	struct pollfd wanted[MAX_POLLED];
	for (size_t i = 0; i < count; i++)
		wanted[i] = (struct pollfd){.fd = pairs[i][0], .events = (short)pairs[i][1]};
	int ready = poll(wanted, (nfds_t)count, (int)args[1].integer);
	if (ready < 0)
		return -errno;
	for (size_t i = 0; i < count; i++)
		if (wanted[i].revents != 0)
			return (int64_t)i;
	return -ETIMEDOUT;
}

int64_t rt_fn_eventDescriptor(const struct rt_value *args, struct rt_result *result)
{
	(void)args, (void)result;
	return rt_checked(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
}

/* Reads to the end, or `max` bytes. On failure, `data` has what was read before. */
static int64_t read_up_to(int fd, size_t max, char **data, size_t *length)
{
	size_t capacity = 0;
	while (*length < max) {
		if (*length == capacity) {
			size_t wanted = capacity == 0 ? FIRST_READ : capacity * 2;
			capacity = wanted > max ? max : wanted;
			char *larger = realloc(*data, capacity);
			if (!larger)
				return -ENOMEM;
			*data = larger;
		}
		ssize_t got = read(fd, *data + *length, capacity - *length);
		if (got < 0 && errno != EINTR)
			return -errno;
		if (got == 0)
			break;
		if (got > 0)
			*length += (size_t)got;
	}
	return 0;
}

/* Reads from the start of a file, which also acknowledges the change to kernfs, or the pending data of an
 * unseekable descriptor. */
int64_t rt_fn_readFd(const struct rt_value *args, struct rt_result *result)
{
	int fd = (int)args[0].integer;
	if (args[1].integer <= 0 || args[1].integer > INT_MAX)
		return -EINVAL;
	RT_FREE char *data = NULL;
	size_t length = 0;
	lseek(fd, 0, SEEK_SET);
	int64_t status = read_up_to(fd, (size_t)args[1].integer, &data, &length);
	if (status < 0 && length == 0)
		return status;
	return rt_result_copy(result, data, length);
}

int64_t rt_fn_readFdBytes(const struct rt_value *args, struct rt_result *result)
{
	return rt_fn_readFd(args, result);
}

/* Reads at most `max` bytes; -EFBIG if there are more, which reading one extra byte detects. */
static int64_t read_to_end(int fd, size_t max, char **data, size_t *length)
{
	int64_t status = read_up_to(fd, max + 1, data, length);
	return status == 0 && *length > max ? -EFBIG : status;
}

/* Returns 0 or a positive errno, like posix_spawnp(3). */
static int spawn_into(pid_t *pid, const char *const *list, int output)
{
	extern char **environ;
	posix_spawn_file_actions_t actions;
	int error = posix_spawn_file_actions_init(&actions);
	if (error != 0)
		return error;
	error = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	if (error == 0)
		error = posix_spawnp(pid, list[0], &actions, NULL, (char *const *)list, environ);
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

/* posix_spawnp(3) with the caller's environment and standard output in a pipe. Returns that output if the
 * exit status is 0, else -EIO. */
int64_t rt_fn_capture(const struct rt_value *args, struct rt_result *result)
{
	if (args[0].count == 0 || args[1].integer < 0 || args[1].integer > INT_MAX)
		return -EINVAL;
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	RT_CLOSE_FD int ours = ends[0];
	pid_t pid;
	int error = spawn_into(&pid, args[0].list, ends[1]);
	close(ends[1]);
	if (error != 0)
		return -error;
	RT_FREE char *data = NULL;
	size_t length = 0;
	int64_t status = read_to_end(ours, (size_t)args[1].integer, &data, &length);
	if (status < 0)
		kill(pid, SIGKILL);
	int ended;
	while (waitpid(pid, &ended, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (status < 0)
		return status;
	if (!WIFEXITED(ended) || WEXITSTATUS(ended) != 0)
		return -EIO;
	return rt_result_copy(result, data, length);
}
