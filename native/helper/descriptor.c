#include "descriptor.h"

#include "sys.h"

enum { LEVEL_SOCKET = 1, RIGHTS = 1, NO_SIGNAL = 0x4000, CLOEXEC_RECEIVED = 0x40000000 };

/* As the kernel lays them out on 64-bit machines; libc's have other padding, and other names. */
struct part {
	void *base;
	size_t length;
};

struct message {
	void *name;
	int name_length;
	struct part *parts;
	size_t part_count;
	void *control;
	size_t control_length;
	unsigned flags;
};

struct rights {
	size_t length;
	int level, type;
	int fd;
	int padding;
};

enum { RIGHTS_LENGTH = offsetof(struct rights, fd) + sizeof(int) };

int rt_send_descriptor(int socket, const void *data, size_t size, int fd)
{
	struct rights rights = {RIGHTS_LENGTH, LEVEL_SOCKET, RIGHTS, fd, 0};
	struct part part = {(void *)(uintptr_t)data, size};
	struct message message = {
		.parts = &part, .part_count = 1, .control = &rights, .control_length = sizeof(rights)};
	long sent;
	do
		sent = rt_sys(sendmsg, socket, &message, NO_SIGNAL);
	while (sent == -EINTR);
	return sent < 0 ? (int)sent : 0;
}

long rt_receive_descriptor(int socket, void *data, size_t size, int *fd)
{
	struct rights rights = {0};
	struct part part = {data, size};
	struct message message = {
		.parts = &part, .part_count = 1, .control = &rights, .control_length = sizeof(rights)};
	long got;
	do
		got = rt_sys(recvmsg, socket, &message, CLOEXEC_RECEIVED);
	while (got == -EINTR);
	bool came = got >= 0 && message.control_length >= RIGHTS_LENGTH && rights.length == RIGHTS_LENGTH &&
		    rights.level == LEVEL_SOCKET && rights.type == RIGHTS;
	*fd = came ? rights.fd : -1;
	return got;
}
