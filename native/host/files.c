/* Native functions on files: one system call each where possible; no policy. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/ioctl.h>
#include <linux/nsfs.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#include "../generated/open_flags.h"
#include "../helper/mode.h"
#include "result.h"

/* musl's O_ACCMODE includes O_PATH. */
enum { FIRST_READ = 16 * 1024, ACCESS_MODE = 3 };

/* musl's open repeats O_CLOEXEC with an fcntl, for kernels before 2.6.23. */
static int open_at(int directory, const char *path, int flags, mode_t mode)
{
	return (int)syscall(SYS_openat, directory, path, flags | O_CLOEXEC | O_LARGEFILE, mode);
}

static int open_file(const char *path, int flags, mode_t mode)
{
	return open_at(AT_FDCWD, path, flags, mode);
}

/* Converts the flags of src/kernel/open-flags.ts, which are those of asm-generic/fcntl.h, to this
 * architecture's. Access modes are the same everywhere. */
static const struct {
	int64_t flag;
	int native;
} FLAGS[] = RT_OPEN_FLAGS;

static int open_with(const char *path, int64_t flags, int64_t mode)
{
	int native = (int)(flags & ACCESS_MODE);
	int64_t left = flags & ~(int64_t)ACCESS_MODE;
	for (size_t i = 0; i < sizeof(FLAGS) / sizeof(FLAGS[0]); i++) {
		if ((flags & FLAGS[i].flag) != FLAGS[i].flag)
			continue;
		native |= FLAGS[i].native;
		left &= ~FLAGS[i].flag;
	}
	if (left != 0) {
		errno = EINVAL;
		return -1;
	}
	return open_file(path, native, (mode_t)mode);
}

/* One read(2): of a small file in procfs or cgroupfs, all of it. */
static int64_t read_once(int fd, size_t max, struct rt_result *result)
{
	RT_FREE char *data = malloc(max);
	if (!data)
		return -ENOMEM;
	ssize_t got;
	do
		got = read(fd, data, max);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	result->data = data;
	result->length = (size_t)got;
	data = NULL;
	return 0;
}

/* Reads to the end of the file. The size from fstat is only a hint: it is 0 in procfs and cgroupfs, and files
 * can grow. Reading stops at `max` bytes, so an endless file cannot exhaust memory. */
static int64_t read_whole(int fd, size_t max, struct rt_result *result)
{
	struct stat status;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (S_ISDIR(status.st_mode))
		return -EISDIR;
	if (S_ISREG(status.st_mode) && (uint64_t)status.st_size > max)
		return -EFBIG;

	size_t capacity = status.st_size > 0 ? (size_t)status.st_size + 1 : FIRST_READ;
	size_t length = 0;
	RT_FREE char *data = malloc(capacity);
	if (!data)
		return -ENOMEM;
	for (;;) {
		ssize_t got = read(fd, data + length, capacity - length);
		if (got < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (got == 0)
			break;
		length += (size_t)got;
		if (length > max)
			return -EFBIG;
		/* The read asked for one byte more, so this is the end of the file. */
		if (length == (size_t)status.st_size)
			break;
		if (length == capacity) {
			char *larger = realloc(data, capacity * 2);
			if (!larger)
				return -ENOMEM;
			data = larger;
			capacity *= 2;
		}
	}
	result->data = data;
	result->length = length;
	data = NULL;
	return 0;
}

/* O_NONBLOCK: opening a FIFO instead of a file must not block the runtime. */
static int64_t read_at(int directory, const char *path, int flags, int64_t max, struct rt_result *result)
{
	if (max < 0)
		return -EINVAL;
	RT_CLOSE_FD int fd = open_at(directory, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | flags, 0);
	if (fd < 0)
		return -errno;
	return read_whole(fd, (size_t)max, result);
}

static int64_t write_all(int fd, const char *data, size_t length)
{
	while (length > 0) {
		ssize_t wrote = write(fd, data, length);
		if (wrote < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		data += wrote;
		length -= (size_t)wrote;
	}
	return 0;
}

int64_t rt_fn_readText(const struct rt_value *args, struct rt_result *result)
{
	return read_at(AT_FDCWD, args[0].data, 0, args[1].integer, result);
}

int64_t rt_fn_readTextAt(const struct rt_value *args, struct rt_result *result)
{
	return read_at((int)args[0].integer, args[1].data, O_NOFOLLOW, args[2].integer, result);
}

int64_t rt_fn_readOnce(const struct rt_value *args, struct rt_result *result)
{
	int64_t max = args[1].integer;
	if (max <= 0)
		return -EINVAL;
	RT_CLOSE_FD int fd = open_file(args[0].data, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	return fd < 0 ? -errno : read_once(fd, (size_t)max, result);
}

int64_t rt_fn_readBytes(const struct rt_value *args, struct rt_result *result)
{
	return read_at(AT_FDCWD, args[0].data, 0, args[1].integer, result);
}

/* Empty text is written too: for kernel files, writing no bytes differs from not writing. */
int64_t rt_fn_writeText(const struct rt_value *args, struct rt_result *result)
{
	(void)result;
	RT_CLOSE_FD int fd = open_with(args[0].data, args[2].integer, args[3].integer);
	if (fd < 0)
		return -errno;
	if (args[1].length == 0)
		return rt_checked(write(fd, "", 0));
	return write_all(fd, args[1].data, args[1].length);
}

int64_t rt_fn_writeFd(const struct rt_value *args, struct rt_result *result)
{
	(void)result;
	return write_all((int)args[0].integer, args[1].data, args[1].length);
}

int64_t rt_fn_open(const struct rt_value *args, struct rt_result *result)
{
	(void)result;
	return rt_checked(open_with(args[0].data, args[1].integer, args[2].integer));
}

int64_t rt_fn_close(const struct rt_value *args, struct rt_result *result)
{
	(void)result;
	return rt_checked(close((int)args[0].integer));
}

int64_t rt_fn_flock(const struct rt_value *args, struct rt_result *result)
{
	int fd = (int)args[0].integer;
	struct stat status;
	if (flock(fd, (int)args[1].integer) < 0 || fstat(fd, &status) < 0)
		return -errno;
	result->numbers[0] = (int64_t)status.st_ino;
	result->numbers[1] = (int64_t)status.st_dev;
	result->count = 2;
	return 0;
}

int64_t rt_fn_mkdir(const struct rt_value *args, struct rt_result *result)
{
	(void)result;
	return rt_checked(mkdir(args[0].data, (mode_t)args[1].integer));
}

int64_t rt_fn_rmdir(const struct rt_value *args, struct rt_result *result)
{
	(void)result;
	return rt_checked(rmdir(args[0].data));
}

int64_t rt_fn_unlink(const struct rt_value *args, struct rt_result *result)
{
	(void)result;
	return rt_checked(unlink(args[0].data));
}

int64_t rt_fn_rename(const struct rt_value *args, struct rt_result *result)
{
	(void)result;
	return rt_checked(rename(args[0].data, args[1].data));
}

int64_t rt_fn_chmod(const struct rt_value *args, struct rt_result *result)
{
	(void)result;
	int fd = open_file(args[0].data, O_PATH | O_NOFOLLOW, 0);
	if (fd < 0)
		return -errno;
	int status = rt_set_mode(fd, (uint32_t)args[1].integer, -1);
	close(fd);
	return status;
}

int64_t rt_fn_readDirectory(const struct rt_value *args, struct rt_result *result)
{
	int fd = open_file(args[0].data, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return -errno;
	RT_CLOSE_DIR DIR *directory = fdopendir(fd);
	if (!directory) {
		close(fd);
		return -ENOMEM;
	}
	RT_FREE char *names = NULL;
	size_t length = 0, capacity = 0;
	for (;;) {
		errno = 0;
		const struct dirent *entry = readdir(directory);
		if (!entry) {
			if (errno != 0)
				return -errno;
			break;
		}
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		size_t size = strlen(entry->d_name) + 1;
		if (length + size > capacity) {
			capacity = (length + size) * 2;
			char *larger = realloc(names, capacity);
			if (!larger)
				return -ENOMEM;
			names = larger;
		}
		memcpy(names + length, entry->d_name, size);
		length += size;
	}
	if (!names)
		return rt_result_copy(result, "", 0);
	result->data = names;
	result->length = length;
	names = NULL;
	return 0;
}

int64_t rt_fn_readLink(const struct rt_value *args, struct rt_result *result)
{
	char target[PATH_MAX];
	ssize_t length = readlink(args[0].data, target, sizeof(target));
	if (length < 0)
		return -errno;
	if ((size_t)length == sizeof(target))
		return -ENAMETOOLONG;
	return rt_result_copy(result, target, (size_t)length);
}

int64_t rt_fn_realPath(const struct rt_value *args, struct rt_result *result)
{
	char resolved[PATH_MAX];
	if (!realpath(args[0].data, resolved))
		return -errno;
	return rt_result_copy(result, resolved, strlen(resolved));
}

static int64_t stat_at(int directory, const char *path, int flags, struct rt_result *result)
{
	struct stat status;
	if (fstatat(directory, path, &status, flags) < 0)
		return -errno;
	const int64_t numbers[] = {
		status.st_mode,
		status.st_uid,
		status.st_gid,
		(int64_t)status.st_ino,
		(int64_t)status.st_dev,
		(int64_t)status.st_rdev,
		status.st_size,
		(int64_t)status.st_nlink,
	};
	result->count = sizeof(numbers) / sizeof(numbers[0]);
	memcpy(result->numbers, numbers, sizeof(numbers));
	return 0;
}

int64_t rt_fn_stat(const struct rt_value *args, struct rt_result *result)
{
	return stat_at(AT_FDCWD, args[0].data, args[1].integer ? 0 : AT_SYMLINK_NOFOLLOW, result);
}

int64_t rt_fn_statAt(const struct rt_value *args, struct rt_result *result)
{
	return stat_at((int)args[0].integer, args[1].data, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH, result);
}

int64_t rt_fn_hasAttribute(const struct rt_value *args, struct rt_result *result)
{
	(void)result;
	if (getxattr(args[0].data, args[1].data, NULL, 0) >= 0)
		return 1;
	return errno == ENODATA || errno == ENOTSUP ? 0 : -errno;
}

int64_t rt_fn_namespaceOwner(const struct rt_value *args, struct rt_result *result)
{
	struct stat status = {0};
	int64_t error = 0;
	int fd = open(args[0].data, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	int owner = ioctl(fd, NS_GET_USERNS);
	if (owner < 0 || fstat(owner, &status) < 0)
		error = -errno;
	if (owner >= 0)
		close(owner);
	close(fd);
	result->numbers[0] = (int64_t)status.st_dev;
	result->numbers[1] = (int64_t)status.st_ino;
	result->count = 2;
	return error;
}

/* Not in all headers (Linux 6.8). */
enum { LISTMOUNT_CALL = 458, MOST_MOUNTS = 1024 };

/* listmount(2): counts without formatting a line for each, as mountinfo does. */
static long list_mounts(size_t count)
{
	struct {
		uint32_t size, spare;
		uint64_t mount, last;
	} request = {.size = sizeof(request), .mount = ~0ull /* LSMT_ROOT */};
	uint64_t ids[MOST_MOUNTS];
	return syscall(LISTMOUNT_CALL, &request, ids, count, 0);
}

int64_t rt_fn_hasMounts(const struct rt_value *args, struct rt_result *result)
{
	(void)result;
	size_t count = (size_t)args[0].integer, found = 0;
	if (count == 0 || count > MOST_MOUNTS)
		return -EINVAL;
	long listed = list_mounts(count);
	if (listed >= 0)
		return (size_t)listed == count;
	int fd = open_file("/proc/self/mountinfo", O_RDONLY, 0);
	if (fd < 0)
		return -errno;
	char lines[FIRST_READ];
	for (ssize_t size; found < count && (size = read(fd, lines, sizeof(lines))) > 0;)
		for (ssize_t at = 0; at < size; at++)
			found += lines[at] == '\n';
	close(fd);
	return found >= count;
}

int64_t rt_fn_fileSystemType(const struct rt_value *args, struct rt_result *result)
{
	(void)result;
	struct statfs status;
	if (statfs(args[0].data, &status) < 0)
		return -errno;
	return (int64_t)(uint32_t)status.f_type;
}
