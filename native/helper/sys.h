/* System calls without libc. The helper is freestanding, so that a container in `created` takes a few pages,
 * no NSS, locale or malloc code is reachable from inside a container, and the same code can run between vfork
 * and execve in the runtime. All wrappers return a negative errno on failure. */
#ifndef RT_SYS_H
#define RT_SYS_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <asm/statfs.h>
#include <asm/unistd.h>
#include <linux/fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <linux/stat.h>

#include "machine.h"

/* Values that Debian 12's 6.1 headers lack or that conflict with libc's. */
#ifndef O_PATH
#define O_PATH 010000000
#endif
#ifndef S_IFMT
#define S_IFMT 0170000
#define S_IFIFO 0010000
#define S_IFCHR 0020000
#define S_IFDIR 0040000
#define S_IFREG 0100000
#define S_IFLNK 0120000
#define S_IFSOCK 0140000
#endif
#ifndef SIGCHLD
#define SIGKILL 9
#define SIGPIPE 13
#define SIGCHLD 17
#endif
#ifndef UMOUNT_NOFOLLOW
#define UMOUNT_NOFOLLOW 8
#endif
#ifndef MNT_DETACH
#define MNT_DETACH 2
#endif

static inline long rt_syscall(long number, long a, long b, long c, long d, long e, long f)
{
#if defined(__clang_analyzer__)
	/* The analyzer does not understand assembly and would treat data written by a system call as uninitialized. */
	long rt_unknown(long, long, long, long, long, long, long);
	return rt_unknown(number, a, b, c, d, e, f);
#else
	return rt_machine_call(number, a, b, c, d, e, f);
#endif
}

#define RT_SYS_PICK(_0, _1, _2, _3, _4, _5, _6, name, ...) name
#define RT_SYS0(n) rt_syscall(__NR_##n, 0, 0, 0, 0, 0, 0)
#define RT_SYS1(n, a) rt_syscall(__NR_##n, (long)(a), 0, 0, 0, 0, 0)
#define RT_SYS2(n, a, b) rt_syscall(__NR_##n, (long)(a), (long)(b), 0, 0, 0, 0)
#define RT_SYS3(n, a, b, c) rt_syscall(__NR_##n, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define RT_SYS4(n, a, b, c, d) rt_syscall(__NR_##n, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define RT_SYS5(n, a, b, c, d, e) \
	rt_syscall(__NR_##n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)
#define RT_SYS6(n, a, b, c, d, e, f) \
	rt_syscall(__NR_##n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
/* rt_sys(openat, dirfd, path, ...): the call by name, arguments as for the kernel. */
#define rt_sys(...) \
	RT_SYS_PICK(__VA_ARGS__, RT_SYS6, RT_SYS5, RT_SYS4, RT_SYS3, RT_SYS2, RT_SYS1, RT_SYS0)(__VA_ARGS__)

/* struct iovec of readv(2). */
struct rt_iovec {
	const void *base;
	size_t length;
};

static inline void rt_close(int *fd)
{
	if (*fd >= 0)
		rt_sys(close, *fd);
	*fd = -1;
}

/* Ends the process. A seccomp filter may refuse both exit calls; an illegal instruction also ends the first
 * process of a pid namespace. */
static inline _Noreturn void rt_leave(int status)
{
	rt_sys(exit_group, status);
	rt_sys(exit, status);
	for (;;)
		__builtin_trap();
}

#define RT_CLEANUP_FD __attribute__((cleanup(rt_close)))

static inline int rt_steal_fd(int *fd)
{
	int stolen = *fd;
	*fd = -1;
	return stolen;
}

static inline size_t rt_strlen(const char *text)
{
	size_t length = 0;
	while (text[length] != '\0')
		length++;
	return length;
}

static inline void rt_copy(void *to, const void *from, size_t length)
{
	for (size_t i = 0; i < length; i++)
		((char *)to)[i] = ((const char *)from)[i];
}

static inline bool rt_equal(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

static inline int rt_open_how(int dirfd, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve)
{
	struct open_how how = {.flags = flags | O_CLOEXEC, .mode = mode, .resolve = resolve};
	return (int)rt_sys(openat2, dirfd, path, &how, sizeof(how));
}

static inline int rt_statx(int fd, struct statx *st)
{
	return (int)rt_sys(
		statx, fd, "", AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_MNT_ID, st);
}

/* The kernel's dev_t encoding (new_encode_dev). */
static inline uint32_t rt_device_number(uint32_t major, uint32_t minor)
{
	return (minor & 0xff) | major << 8 | (minor & ~0xffu) << 12;
}

static inline bool rt_is_device(const struct statx *st, uint32_t type, uint32_t major, uint32_t minor)
{
	return (st->stx_mode & S_IFMT) == type && st->stx_rdev_major == major && st->stx_rdev_minor == minor;
}

#endif
