/* The probe's verbs that inspect files and test access to them. */
#define _GNU_SOURCE
#include "json.h"
#include "verbs.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

void verb_stat(char **args)
{
	struct stat st;
	if (lstat(args[0], &st) < 0) {
		put_outcome(-1);
		return;
	}
	static const struct {
		mode_t mode;
		const char *name;
	} types[] = {
		{S_IFREG, "file"},
		{S_IFDIR, "directory"},
		{S_IFLNK, "link"},
		{S_IFCHR, "char"},
		{S_IFBLK, "block"},
		{S_IFIFO, "fifo"},
		{S_IFSOCK, "socket"},
	};
	const char *type = "?";
	char link[PATH_MAX] = "";

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if ((st.st_mode & S_IFMT) == types[i].mode)
			type = types[i].name;
	if (S_ISLNK(st.st_mode) && readlink(args[0], link, sizeof(link) - 1) < 0)
		link[0] = '\0';
	printf("{\"errno\":null,\"type\":\"%s\",\"mode\":%u,\"uid\":%u,\"gid\":%u,\"major\":%u,\"minor\":%u,"
	       "\"size\":%lld,"
	       "\"inode\":\"%llu\",\"device\":\"%llu\",\"link\":",
		type, st.st_mode & 07777, st.st_uid, st.st_gid, major(st.st_rdev), minor(st.st_rdev),
		(long long)st.st_size, (unsigned long long)st.st_ino, (unsigned long long)st.st_dev);
	put_string(link);
	puts("}");
}

void verb_read(char **args)
{
	char *text = read_text(args[0]);
	if (!text) {
		put_outcome(-1);
		return;
	}
	printf("{\"errno\":null,\"text\":");
	put_string(text);
	puts("}");
	free(text);
}

void verb_list(char **args)
{
	struct dirent **entries;
	int count = scandir(args[0], &entries, NULL, alphasort);
	if (count < 0) {
		put_outcome(-1);
		return;
	}
	bool first = true;

	printf("{\"errno\":null,\"names\":[");
	for (int i = 0; i < count; i++) {
		if (strcmp(entries[i]->d_name, ".") == 0 || strcmp(entries[i]->d_name, "..") == 0)
			continue;
		if (!first)
			putchar(',');
		first = false;
		put_string(entries[i]->d_name);
	}
	puts("]}");
}

static void try_open(const char *path, int flags, const char *text)
{
	int fd = open(path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0644);
	long result = fd;

	if (fd >= 0 && text)
		result = write(fd, text, strlen(text));
	put_outcome(result);
	if (fd >= 0)
		close(fd);
}

void verb_open(char **args)
{
	try_open(args[0],
		strcmp(args[1], "r") == 0   ? O_RDONLY
		: strcmp(args[1], "w") == 0 ? O_WRONLY
					    : O_RDWR,
		NULL);
}

void verb_write(char **args)
{
	try_open(args[0], O_WRONLY, args[1]);
}

void verb_create(char **args)
{
	try_open(args[0], O_WRONLY | O_CREAT | O_EXCL, "x");
}

void verb_mkdir(char **args)
{
	put_outcome(mkdir(args[0], 0755));
}

void verb_unlink(char **args)
{
	put_outcome(unlink(args[0]));
}

void verb_chmod(char **args)
{
	put_outcome(chmod(args[0], (mode_t)strtoul(args[1], NULL, 8)));
}

/* mknod PATH b|c|p MAJOR MINOR */
void verb_mknod(char **args)
{
	mode_t type = args[1][0] == 'b' ? S_IFBLK : args[1][0] == 'p' ? S_IFIFO : S_IFCHR;

	put_outcome(mknod(args[0], type | 0600, makedev((unsigned)atoi(args[2]), (unsigned)atoi(args[3]))));
}

/* setxattr PATH NAME VALUE, in hexadecimal */
void verb_setxattr(char **args)
{
	unsigned char value[1024];
	size_t size = strlen(args[2]) / 2;

	if (size > sizeof(value))
		exit(BAD_CALL);
	for (size_t i = 0; i < size; i++)
		if (sscanf(args[2] + 2 * i, "%2hhx", &value[i]) != 1)
			exit(BAD_CALL);
	put_outcome(lsetxattr(args[0], args[1], value, size, 0));
}

/* getxattr PATH NAME */
void verb_getxattr(char **args)
{
	unsigned char value[1024];
	ssize_t size = lgetxattr(args[0], args[1], value, sizeof(value));

	if (size < 0) {
		put_outcome(-1);
		return;
	}
	printf("{\"errno\":null,\"text\":\"");
	for (ssize_t i = 0; i < size; i++)
		printf("%02x", value[i]);
	puts("\"}");
}

/* mount SOURCE TARGET TYPE FLAGS */
void verb_mount(char **args)
{
	put_outcome(mount(args[0], args[1], args[2], strtoul(args[3], NULL, 0), NULL));
}

void verb_umount(char **args)
{
	put_outcome(umount2(args[0], MNT_DETACH));
}
