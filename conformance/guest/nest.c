/* The probe's verbs that create cgroups below the container's, mounted at /sys/fs/cgroup. */
#define _GNU_SOURCE
#include "verbs.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LONGEST_NAME = 255 };

static const char *const hierarchies[] = {
	"/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/pids", "/sys/fs/cgroup/freezer"};

static void fail(const char *what)
{
	perror(what);
	exit(BAD_CALL);
}

static void write_to(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		fail(file);
	close(fd);
}

/* A name with every kind of unusual character, except newline, which the kernel refuses. */
static void odd_name(char *name, int number)
{
	static const char odd[] = "\xff\xc3( \t\\\"'*%s\x1b[0m..";
	memset(name, 'n', LONGEST_NAME);
	memcpy(name, odd, sizeof(odd) - 1);
	name[LONGEST_NAME - 1] = (char)('0' + number % 10);
	name[LONGEST_NAME] = '\0';
}

static bool is_frozen(void)
{
	char *text = read_text("freezer.state");
	bool frozen = text ? strncmp(text, "FROZEN", 6) == 0 : false;
	if (!text && (text = read_text("cgroup.events")))
		frozen = strstr(text, "frozen 1") != NULL;
	free(text);
	return frozen;
}

static void freeze(void)
{
	bool legacy = access("freezer.state", F_OK) == 0;
	write_to(legacy ? "freezer.state" : "cgroup.freeze", legacy ? "FROZEN" : "1");
	while (!is_frozen())
		usleep(1000);
}

/* Creates DEPTH nested cgroups, and makes the last one the working directory. */
static void go_down(const char *hierarchy, int depth)
{
	char name[LONGEST_NAME + 1];
	if (chdir(hierarchy) < 0)
		fail(hierarchy);
	for (int at = 0; at < depth; at++) {
		odd_name(name, at);
		if (mkdir(name, 0755) < 0 || chdir(name) < 0)
			fail("mkdir");
	}
}

/*
 * nest DEPTH HOW: creates a cgroup that deep in each hierarchy, with a process in it. HOW: a child left `running`, a
 * child `frozen` there, or else init itself frozen. Then waits. {"ready":true}
 */
void verb_nest(char **args)
{
	int told[2];
	char byte = 0;
	bool frozen = strcmp(args[1], "running") != 0, init = strcmp(args[1], "init") == 0;
	if (pipe2(told, O_CLOEXEC) < 0)
		fail("pipe");
	pid_t child = fork();
	if (child < 0)
		fail("fork");
	if ((child == 0) != init) {
		for (size_t i = 0; i < sizeof(hierarchies) / sizeof(hierarchies[0]); i++) {
			char procs[64];
			snprintf(procs, sizeof(procs), "%s/cgroup.procs", hierarchies[i]);
			if (access(procs, F_OK) != 0)
				continue;
			go_down(hierarchies[i], atoi(args[0]));
			write_to("cgroup.procs", "0");
		}
		if (write(told[1], "x", 1) < 0)
			fail("write");
		for (;;)
			pause();
	}
	close(told[1]);
	if (read(told[0], &byte, 1) != 1)
		fail("read");
	if (frozen) {
		char deepest[64];
		snprintf(deepest, sizeof(deepest), "/proc/%d/cwd", init ? getppid() : child);
		if (chdir(deepest) < 0)
			fail(deepest);
		freeze();
	}
	puts("{\"ready\":true}");
	fflush(stdout);
	for (;;)
		pause();
}

/*
 * breed COUNT: creates this many cgroups below the container's, in groups of a hundred, prints {"ready":true}, and
 * keeps creating cgroups until it ends.
 */
void verb_breed(char **args)
{
	const char *hierarchy = access("/sys/fs/cgroup/freezer/cgroup.procs", F_OK) == 0
					? "/sys/fs/cgroup/freezer"
					: "/sys/fs/cgroup";
	char name[64];
	int count = atoi(args[0]);
	if (chdir(hierarchy) < 0)
		fail(hierarchy);
	for (int at = 0;; at++) {
		snprintf(name, sizeof(name), at % 100 == 0 ? "%d" : "%d/%d", at / 100, at);
		if (mkdir(name, 0755) < 0)
			fail(name);
		if (at + 1 == count) {
			puts("{\"ready\":true}");
			fflush(stdout);
		}
	}
}
