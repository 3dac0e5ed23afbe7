/*
 * Runs a command and prints its number of minor page faults, including those of children it waited for. Exits with
 * the command's status; discards its output.
 *
 *   pages COMMAND [ARGUMENT...]
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	posix_spawn_file_actions_t files;
	struct rusage usage;
	pid_t pid;
	int status;

	if (argc < 2)
		errx(2, "usage: pages COMMAND [ARGUMENT...]");
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	if (posix_spawn(&pid, argv[1], &files, NULL, argv + 1, environ) != 0)
		errx(127, "%s", argv[1]);
	if (wait4(pid, &status, 0, &usage) < 0)
		err(1, "wait4");
	printf("%ld\n", usage.ru_minflt);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
