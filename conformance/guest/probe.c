/*
 * The program that conformance cases run inside a container: one verb per question, one line of JSON per verb.
 *
 *   probe VERB [ARGUMENT...] [-- VERB [ARGUMENT...]]...
 *
 * Static and without a shell, so that a case observes the container and not an interpreter. A verb that attempts
 * something reports {"errno": NAME}, with null for success; only misuse of the probe itself exits with status 99.
 */
#define _GNU_SOURCE
#include "json.h"
#include "verbs.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void on_signal(int number)
{
	char line[32];
	int length = snprintf(line, sizeof(line), "{\"signal\":%d}\n", number);

	_exit(write(STDOUT_FILENO, line, (size_t)length) == length ? number : BAD_CALL);
}

/* Waits forever; prints a catchable signal and exits with its number. */
static void verb_wait(char **args)
{
	(void)args;
	struct sigaction action = {.sa_handler = on_signal};

	/* Signals ignored by default stay so: runtimes written in Go send themselves SIGURG and forward
	 * it. */
	for (int number = 1; number < 32; number++)
		if (number != SIGCHLD && number != SIGURG && number != SIGWINCH && number != SIGCONT)
			sigaction(number, &action, NULL);
	puts("{\"ready\":true}");
	fflush(stdout);
	for (;;)
		pause();
}

/* Waits with default signal actions, like a program without handlers. */
static void verb_pause(char **args)
{
	(void)args;
	fflush(stdout);
	for (;;)
		pause();
}

static void verb_exit(char **args)
{
	fflush(stdout);
	_exit(atoi(args[0]));
}

/* Dies of a fault, the only signal that kills pid 1 from inside. */
static void verb_fault(char **args)
{
	(void)args;
	fflush(stdout);
	__builtin_trap();
}

/* echo TEXT: prints the text unchanged, to test pipes. */
static void verb_echo(char **args)
{
	fputs(args[0], stdout);
}

static void verb_stderr(char **args)
{
	fputs(args[0], stderr);
}

static void verb_stdin(char **args)
{
	(void)args;
	char *text = read_text("/proc/self/fd/0");
	char buffer[4096];
	ssize_t got = text ? -1 : read(0, buffer, sizeof(buffer) - 1);

	buffer[got < 0 ? 0 : got] = '\0';
	put_string(text ? text : buffer);
	putchar('\n');
	free(text);
}

/* Sends TEXT to the socket in NOTIFY_SOCKET (sd_notify(3)). */
static void verb_notify(char **args)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *path = getenv("NOTIFY_SOCKET");
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	strncpy(address.sun_path, path ? path : "", sizeof(address.sun_path) - 1);
	put_outcome(sendto(
		fd, args[0], strlen(args[0]), MSG_NOSIGNAL, (struct sockaddr *)&address, sizeof(address)));
	close(fd);
}

static void verb_nothing(char **args)
{
	(void)args;
}

static const struct {
	const char *name;
	int arguments;
	void (*run)(char **args);
} verbs[] = {
	{"absorb", 2, verb_absorb},
	{"breed", 1, verb_breed},
	{"chmod", 2, verb_chmod},
	{"clocks", 0, verb_clocks},
	{"converse", 1, verb_converse},
	{"create", 1, verb_create},
	{"cwd", 0, verb_cwd},
	{"echo", 1, verb_echo},
	{"emit", 2, verb_emit},
	{"env", 0, verb_env},
	{"evade", 0, verb_evade},
	{"exec", 1, verb_exec},
	{"exit", 1, verb_exit},
	{"fault", 0, verb_fault},
	{"fds", 0, verb_fds},
	{"forge", 3, verb_forge},
	{"fork", 1, verb_fork},
	{"getxattr", 2, verb_getxattr},
	{"i386", 1, verb_i386},
	{"ids", 0, verb_ids},
	{"list", 1, verb_list},
	{"lock", 1, verb_lock},
	{"memhog", 1, verb_memhog},
	{"mempolicy", 0, verb_mempolicy},
	{"mkdir", 1, verb_mkdir},
	{"mknod", 4, verb_mknod},
	{"mount", 4, verb_mount},
	{"nothing", 0, verb_nothing},
	{"notify", 1, verb_notify},
	{"nest", 2, verb_nest},
	{"ns", 0, verb_ns},
	{"open", 2, verb_open},
	{"pause", 0, verb_pause},
	{"read", 1, verb_read},
	{"report", 1, verb_report},
	{"rlimits", 0, verb_rlimits},
	{"sched", 0, verb_sched},
	{"setxattr", 3, verb_setxattr},
	{"spy", 1, verb_spy},
	{"stat", 1, verb_stat},
	{"steal", 3, verb_steal},
	{"stderr", 1, verb_stderr},
	{"stdin", 0, verb_stdin},
	{"swarm", 0, verb_swarm},
	{"syscall", 1, verb_syscall},
	{"thief", 1, verb_thief},
	{"thread", 1, verb_thread},
	{"tty", 0, verb_tty},
	{"umount", 1, verb_umount},
	{"unlink", 1, verb_unlink},
	{"uts", 0, verb_uts},
	{"wait", 0, verb_wait},
	{"watch", 1, verb_watch},
	{"winch", 0, verb_winch},
	{"write", 2, verb_write},
};

/* Runs one verb; false if it is unknown or lacks arguments. */
static bool run_verb(char **words)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(words[0], verbs[i].name) != 0)
			continue;
		for (int argument = 1; argument <= verbs[i].arguments; argument++)
			if (!words[argument])
				return false;
		verbs[i].run(words + 1);
		fflush(stdout);
		return true;
	}
	return false;
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "exchange") == 0)
		return run_exchange(argv + 2);
	if (argc > 1 && strcmp(argv[1], "refuse") == 0)
		return run_refuse(argv + 2);
	if (argc > 1 && strcmp(argv[1], "keyring") == 0)
		return run_keyring(argv + 2);
	if (argc > 1 && strcmp(argv[1], "subreaper") == 0)
		return run_subreaper(argv + 2);
	for (int start = 1; start < argc;) {
		int end = start;
		while (end < argc && strcmp(argv[end], "--") != 0)
			end++;
		argv[end] = NULL;
		if (end == start || !run_verb(argv + start)) {
			fprintf(stderr, "probe: cannot run verb %s\n", argv[start] ? argv[start] : "(none)");
			return BAD_CALL;
		}
		start = end + 1;
	}
	return 0;
}
