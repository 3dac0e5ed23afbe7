/*
 * Runs a command with a simulated resctrl, for CPUs without it:
 *
 *   resctrl COMMAND [ARGUMENT...]
 *
 * /sys/fs/resctrl is a tmpfs in the command's mount namespace. The kernel's actions are emulated: a new directory gets
 * its files, a removed one loses them. mkdir and rmdir are intercepted by a filter (SECCOMP_RET_USER_NOTIF) and
 * executed here.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdbool.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROOT "/sys/fs/resctrl"

static void check(int result, const char *what)
{
	if (result >= 0)
		return;
	perror(what);
	_exit(99);
}

static void write_file(const char *directory, const char *name, const char *text)
{
	char path[8192];
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	check(fd, path);
	check((int)write(fd, text, strlen(text)), path);
	close(fd);
}

static void fill_group(const char *path)
{
	char groups[8192];
	write_file(path, "tasks", "");
	write_file(path, "schemata", "");
	snprintf(groups, sizeof(groups), "%s/mon_groups", path);
	if (strstr(path, "/mon_groups/") == NULL)
		check(mkdir(groups, 0755), groups);
}

static int empty_group(const char *path)
{
	static const char *const names[] = {"tasks", "schemata"};
	char inner[8192];
	for (int i = 0; i < 2; i++) {
		snprintf(inner, sizeof(inner), "%s/%s", path, names[i]);
		unlink(inner);
	}
	snprintf(inner, sizeof(inner), "%s/mon_groups", path);
	if (rmdir(inner) != 0 && errno != ENOENT)
		return -1;
	return rmdir(path);
}

static void make_believe(void)
{
	char stage[] = "/tmp/rt-resctrl-XXXXXX";
	check(unshare(CLONE_NEWNS), "unshare");
	check(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "private");
	check(mkdtemp(stage) == NULL ? -1 : 0, "mkdtemp");
	check(mount("/sys/fs/cgroup", stage, NULL, MS_BIND | MS_REC, NULL), "stage");
	check(mount("tmpfs", "/sys/fs", "tmpfs", 0, "mode=755"), "/sys/fs");
	check(mkdir("/sys/fs/cgroup", 0755), "cgroup");
	check(mount(stage, "/sys/fs/cgroup", NULL, MS_BIND | MS_REC, NULL), "cgroup");
	check(umount2(stage, MNT_DETACH), "umount");
	rmdir(stage);
	check(mkdir(ROOT, 0755), ROOT);
	check(mkdir(ROOT "/info", 0755), "info");
	write_file(ROOT "/info", "last_cmd_status", "ok\n");
	fill_group(ROOT);
	check(mkdir(ROOT "/prepared", 0755), "prepared");
	fill_group(ROOT "/prepared");
}

/* The call of rmdir(3), and its argument that has the path. unlinkat(2) is also that of unlink(3). */
#ifdef __NR_rmdir
enum { REMOVE = __NR_rmdir, REMOVED = 0 };
static bool is_rmdir(const struct seccomp_data *call)
{
	return call->nr == REMOVE;
}
#else
enum { REMOVE = __NR_unlinkat, REMOVED = 1 };
static bool is_rmdir(const struct seccomp_data *call)
{
	return call->nr == REMOVE && (call->args[2] & AT_REMOVEDIR) != 0;
}
#endif

static int filter(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_mkdirat, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, REMOVE, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
	};
	struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

static void answer(int listener, const struct seccomp_notif *request)
{
	struct seccomp_notif_resp reply = {.id = request->id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
	char path[4096] = "";
	bool is_made = request->data.nr == __NR_mkdirat;
	struct iovec here = {path, sizeof(path) - 1};
	/* Reads up to the end of the page, then from the next one, which may be unmapped. */
	char *from = (char *)(uintptr_t)request->data.args[is_made ? 1 : REMOVED];
	size_t first = 4096 - ((uintptr_t)from & 4095);
	if (first >= sizeof(path))
		first = sizeof(path) - 1;
	struct iovec there[] = {{from, first}, {from + first, sizeof(path) - 1 - first}};
	process_vm_readv((pid_t)request->pid, &here, 1, there, 2, 0);
	if ((is_made || is_rmdir(&request->data)) && strncmp(path, ROOT "/", sizeof(ROOT)) == 0) {
		int result = is_made ? mkdir(path, 0755) : empty_group(path);
		reply.flags = 0;
		reply.error = result < 0 ? -errno : 0;
		if (is_made && result == 0)
			fill_group(path);
	}
	ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &reply);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 99;
	make_believe();
	int pair[2];
	check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), "socketpair");
	pid_t child = fork();
	check(child, "fork");
	if (child == 0) {
		int listener = filter();
		check(listener, "seccomp");
		/* Only the number: the descriptor is obtained with pidfd_getfd. */
		check((int)write(pair[1], &listener, sizeof(listener)), "write");
		char go;
		check((int)read(pair[1], &go, 1), "read");
		close(listener);
		execvp(argv[1], argv + 1);
		_exit(127);
	}
	int theirs, status = 0;
	check((int)read(pair[0], &theirs, sizeof(theirs)), "read");
	int process = (int)syscall(SYS_pidfd_open, child, 0);
	int listener = (int)syscall(SYS_pidfd_getfd, process, theirs, 0);
	check(listener, "pidfd_getfd");
	check((int)write(pair[0], "g", 1), "write");
	for (;;) {
		struct pollfd polls[2] = {{listener, POLLIN, 0}, {process, POLLIN, 0}};
		poll(polls, 2, -1);
		if (polls[0].revents & POLLIN) {
			struct seccomp_notif request = {0};
			if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request) == 0)
				answer(listener, &request);
		} else if (polls[1].revents & POLLIN) {
			break;
		}
	}
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
