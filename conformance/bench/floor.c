/*
 * The floor: what the kernel itself needs for one `run` of a container, as the least code that asks for it.
 *
 *   floor spec|docker ROOTFS CGROUP [FILTER]
 *
 * `spec` does what the configuration of `runc spec` asks, `docker` what Docker's defaults ask with a memory limit, a
 * CPU quota and a process limit, plus the seccomp filter of the profile (struct sock_filter records in FILE). There
 * is no configuration, no checking and no state, and paths are trusted: it is a clock, not a runtime. The program in
 * the container is /bin/true.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define CGROUP_ROOT "/sys/fs/cgroup"

static const char *const hierarchies[] = {
	"cpu",
	"cpuacct",
	"cpuset",
	"memory",
	"devices",
	"freezer",
	"blkio",
	"pids",
	"systemd",
	"hugetlb",
	"net_cls",
	"perf_event",
};
#define HIERARCHY_COUNT (sizeof(hierarchies) / sizeof(hierarchies[0]))

struct container {
	bool docker;
	bool unified; /* the host has cgroup v2 only */
	const char *rootfs;
	const char *cgroup;
	const char *filter;
	bool present[HIERARCHY_COUNT];
};

static void check(long result, const char *what)
{
	if (result < 0)
		err(1, "%s", what);
}

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	check(fd, path);
	if (write(fd, text, strlen(text)) < 0)
		err(1, "write %s to %s", text, path);
	close(fd);
}

static void cgroup_file(char *out, size_t size, const char *hierarchy, const char *cgroup, const char *file)
{
	snprintf(out, size, CGROUP_ROOT "/%s%s%s%s%s", hierarchy, *hierarchy ? "/" : "", cgroup,
		*file ? "/" : "", file);
}

static void write_cgroup(const char *hierarchy, const char *cgroup, const char *file, const char *text)
{
	char path[512];

	cgroup_file(path, sizeof(path), hierarchy, cgroup, file);
	write_text(path, text);
}

/* A directory that is no hierarchy has no such file: others make such directories when they take it for one. */
static void join(const char *hierarchy, const char *cgroup)
{
	char path[512];

	cgroup_file(path, sizeof(path), hierarchy, cgroup, "tasks");
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return;
	check(fd, path);
	check(write(fd, "0", 1), path);
	close(fd);
}

/* A new v1 cpuset has no processors and refuses tasks until it gets its parent's. */
static void copy_cpuset(const char *cgroup, const char *file)
{
	char value[128], path[512];

	snprintf(path, sizeof(path), CGROUP_ROOT "/cpuset/%s", file);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	check(fd, path);
	ssize_t got = read(fd, value, sizeof(value) - 1);
	check(got, path);
	close(fd);
	value[got] = '\0';
	write_cgroup("cpuset", cgroup, file, value);
}

static void limit_devices(const char *cgroup)
{
	static const char *const allowed[] = {"c *:* m", "b *:* m", "c 1:3 rwm", "c 1:5 rwm", "c 1:7 rwm",
		"c 1:8 rwm", "c 1:9 rwm", "c 5:0 rwm", "c 5:2 rwm", "c 136:* rwm", "c 10:200 rwm"};

	write_cgroup("devices", cgroup, "devices.deny", "a");
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		write_cgroup("devices", cgroup, "devices.allow", allowed[i]);
}

/* Makes the cgroup everywhere and sets limits; returns a descriptor of the v2 one to be born in, or -1. */
static int make_cgroups(struct container *container)
{
	char path[512];
	struct stat st;
	const char *v2 = "unified";

	container->unified = stat(CGROUP_ROOT "/cgroup.controllers", &st) == 0;
	if (container->unified)
		v2 = "";
	for (size_t i = 0; i < HIERARCHY_COUNT && !container->unified; i++) {
		cgroup_file(path, sizeof(path), hierarchies[i], container->cgroup, "");
		container->present[i] = mkdir(path, 0755) == 0;
		if (!container->present[i] && errno != ENOENT)
			err(1, "%s", path);
	}
	cgroup_file(path, sizeof(path), v2, container->cgroup, "");
	int fd = mkdir(path, 0755) == 0 ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (container->unified) {
		if (container->docker) {
			write_cgroup("", container->cgroup, "memory.max", "536870912");
			write_cgroup("", container->cgroup, "cpu.max", "50000 100000");
			write_cgroup("", container->cgroup, "pids.max", "100");
		}
		return fd;
	}
	copy_cpuset(container->cgroup, "cpuset.cpus");
	copy_cpuset(container->cgroup, "cpuset.mems");
	limit_devices(container->cgroup);
	if (container->docker) {
		write_cgroup("memory", container->cgroup, "memory.limit_in_bytes", "536870912");
		write_cgroup("cpu", container->cgroup, "cpu.cfs_quota_us", "50000");
		write_cgroup("pids", container->cgroup, "pids.max", "100");
	}
	return fd;
}

static void remove_cgroups(const struct container *container)
{
	char path[512];

	for (size_t i = 0; i < HIERARCHY_COUNT; i++) {
		if (!container->present[i])
			continue;
		cgroup_file(path, sizeof(path), hierarchies[i], container->cgroup, "");
		check(rmdir(path), path);
	}
	cgroup_file(path, sizeof(path), container->unified ? "" : "unified", container->cgroup, "");
	if (rmdir(path) < 0 && errno != ENOENT)
		err(1, "%s", path);
}

static void mount_at(const char *type, const char *target, unsigned long flags, const char *data)
{
	if (mkdir(target, 0755) < 0 && errno != EEXIST)
		err(1, "mkdir %s", target);
	check(mount(type, target, type, flags, data), target);
}

/* Each controller's own cgroup, bound into a tmpfs: how v1 looks without a cgroup namespace. */
static void mount_cgroups(const struct container *container)
{
	char source[512], target[128];

	if (container->unified) {
		mount_at("cgroup2", "sys/fs/cgroup", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, NULL);
		return;
	}
	mount_at("tmpfs", "sys/fs/cgroup", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=755");
	for (size_t i = 0; i < HIERARCHY_COUNT; i++) {
		if (!container->present[i])
			continue;
		cgroup_file(source, sizeof(source), hierarchies[i], container->cgroup, "");
		snprintf(target, sizeof(target), "sys/fs/cgroup/%s", hierarchies[i]);
		check(mkdir(target, 0755), target);
		check(mount(source, target, NULL, MS_BIND, NULL), target);
		check(mount(NULL, target, NULL,
			      MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL),
			target);
	}
	check(mount(NULL, "sys/fs/cgroup", NULL,
		      MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL),
		"sys/fs/cgroup");
}

static void make_devices(void)
{
	static const struct {
		const char *path;
		unsigned major, minor;
	} nodes[] = {{"dev/null", 1, 3}, {"dev/zero", 1, 5}, {"dev/full", 1, 7}, {"dev/random", 1, 8},
		{"dev/urandom", 1, 9}, {"dev/tty", 5, 0}};
	static const char *const links[][2] = {
		{"/proc/self/fd", "dev/fd"},
		{"/proc/self/fd/0", "dev/stdin"},
		{"/proc/self/fd/1", "dev/stdout"},
		{"/proc/self/fd/2", "dev/stderr"},
		{"pts/ptmx", "dev/ptmx"},
	};

	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++)
		check(mknod(nodes[i].path, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)),
			nodes[i].path);
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		check(symlink(links[i][0], links[i][1]), links[i][1]);
}

static void mount_all(const struct container *container)
{
	const unsigned long safe = MS_NOSUID | MS_NODEV | MS_NOEXEC;

	check(mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL), "make / slave");
	check(mount(container->rootfs, container->rootfs, NULL, MS_BIND | MS_REC, NULL), container->rootfs);
	check(chdir(container->rootfs), container->rootfs);
	mount_at("proc", "proc", container->docker ? safe : 0, NULL);
	mount_at("tmpfs", "dev", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k");
	mount_at("devpts", "dev/pts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5");
	mount_at("tmpfs", "dev/shm", safe, "mode=1777,size=65536k");
	mount_at("mqueue", "dev/mqueue", safe, NULL);
	mount_at("sysfs", "sys", safe | MS_RDONLY, NULL);
	mount_cgroups(container);
	if (container->docker) {
		/* Docker binds three files of its own over those of the image. */
		static const char *const files[] = {"etc/hosts", "etc/hostname", "etc/resolv.conf"};
		mkdir("etc", 0755);
		for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
			int fd = open(files[i], O_RDONLY | O_CREAT | O_CLOEXEC, 0644);
			check(fd, files[i]);
			close(fd);
			check(mount(files[i], files[i], NULL, MS_BIND, NULL), files[i]);
		}
	}
	make_devices();
}

static void mask_paths(void)
{
	static const char *const masked[] = {"/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys",
		"/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
		"/sys/firmware", "/proc/scsi"};
	static const char *const readonly[] = {
		"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};

	for (size_t i = 0; i < sizeof(readonly) / sizeof(readonly[0]); i++) {
		if (mount(readonly[i], readonly[i], NULL, MS_BIND | MS_REC, NULL) < 0)
			continue;
		check(mount(NULL, readonly[i], NULL,
			      MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL),
			readonly[i]);
	}
	for (size_t i = 0; i < sizeof(masked) / sizeof(masked[0]); i++) {
		if (mount("/dev/null", masked[i], NULL, MS_BIND, NULL) == 0 || errno != ENOTDIR)
			continue;
		check(mount("tmpfs", masked[i], "tmpfs", MS_RDONLY, "nr_blocks=1,nr_inodes=1"), masked[i]);
	}
}

static void drop_rights(const struct container *container)
{
	struct rlimit files = {1024, 1024};
	/* CAP_AUDIT_WRITE, CAP_KILL, CAP_NET_BIND_SERVICE; Docker's 14. */
	unsigned mask = container->docker ? 0xa80425fb : 0x20000420;
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {{mask, mask, 0}, {0, 0, 0}};

	check(setrlimit(RLIMIT_NOFILE, &files), "setrlimit");
	for (int cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (cap > 31 || !(mask & (1U << cap)))
			prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	check(setgroups(0, NULL), "setgroups");
	check(setresgid(0, 0, 0), "setresgid");
	check(setresuid(0, 0, 0), "setresuid");
	check(syscall(SYS_capset, &header, data), "capset");
	check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no new privileges");
}

static void load_filter(int fd)
{
	static struct sock_filter instructions[BPF_MAXINSNS];
	ssize_t size = read(fd, instructions, sizeof(instructions));
	check(size, "read filter");
	struct sock_fprog program = {(unsigned short)((size_t)size / sizeof(instructions[0])), instructions};

	check(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program), "seccomp");
	close(fd);
}

static void raise_loopback(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	check(fd, "socket");
	check(ioctl(fd, SIOCSIFFLAGS, &request), "raise lo");
	close(fd);
}

static _Noreturn void run_init(const struct container *container)
{
	char *const argv[] = {"true", NULL};
	char *const envp[] = {"PATH=/usr/bin:/bin", "HOME=/", NULL};
	/* Opened while the host's paths are still there. */
	int filter = container->filter ? open(container->filter, O_RDONLY | O_CLOEXEC) : -1;

	/* Of a process with one thread "0" in `tasks` moves the same as a pid in `cgroup.procs`, without the wait. */
	for (size_t i = 0; i < HIERARCHY_COUNT; i++)
		if (container->present[i])
			join(hierarchies[i], container->cgroup);
	check(setsid(), "setsid");
	umask(0);
	raise_loopback();
	mount_all(container);
	check(syscall(SYS_pivot_root, ".", "."), "pivot_root");
	check(umount2(".", MNT_DETACH), "umount old root");
	check(chdir("/"), "chdir");
	if (!container->docker)
		check(mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), "remount / read-only");
	umask(022);
	check(sethostname("floor", 5), "sethostname");
	mask_paths();
	drop_rights(container);
	syscall(SYS_close_range, 3, ~0U, 4 /* CLOSE_RANGE_CLOEXEC */);
	if (filter >= 0)
		load_filter(filter);
	execve("/bin/true", argv, envp);
	err(1, "execve");
}

int main(int argc, char **argv)
{
	if (argc < 4)
		errx(2, "usage: floor spec|docker ROOTFS CGROUP [FILTER]");
	struct container container = {.docker = strcmp(argv[1], "docker") == 0,
		.rootfs = argv[2],
		.cgroup = argv[3],
		.filter = argv[4]};
	int v2 = make_cgroups(&container);
	struct clone_args args = {
		.flags = CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNS |
			 (v2 >= 0 ? CLONE_INTO_CGROUP : 0),
		.exit_signal = SIGCHLD,
		.cgroup = v2 >= 0 ? (unsigned long long)v2 : 0,
	};
	long pid = syscall(SYS_clone3, &args, sizeof(args));
	check(pid, "clone3");
	if (pid == 0)
		run_init(&container);
	int status;

	check(waitpid((pid_t)pid, &status, 0), "waitpid");
	remove_cgroups(&container);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
