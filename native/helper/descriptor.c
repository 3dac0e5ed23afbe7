#include "descriptor.h"

#include "sys.h"

enum { LEVEL_SOCKET = 1, RIGHTS = 1, CREDENTIALS = 2, NO_SIGNAL = 0x4000, CLOEXEC_RECEIVED = 0x40000000 };

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

/* Each part of what came with a message begins with this and ends on a multiple of eight bytes (cmsg(3)). */
struct part_header {
	size_t length;
	int level, type;
};

enum {
	HEADER = sizeof(struct part_header),
	CREDENTIALS_LENGTH = HEADER + 3 * sizeof(int),
	ALIGNED_CREDENTIALS = HEADER + 4 * sizeof(int),
};

/* The first descriptor is kept: a sender that is not ours may have sent more. */
static void take_descriptors(const char *data, size_t size, struct rt_attached *attached)
{
	for (size_t at = 0; at + sizeof(int) <= size; at += sizeof(int)) {
		int fd = *(const int *)(const void *)(data + at);
		if (attached->fd < 0)
			attached->fd = fd;
		else
			rt_sys(close, fd);
	}
}

long rt_receive_attached(int socket, void *data, size_t size, struct rt_attached *attached)
{
	char control[ALIGNED_CREDENTIALS + RIGHTS_LENGTH] __attribute__((aligned(8))) = {0};
	struct part part = {data, size};
	struct message message = {
		.parts = &part, .part_count = 1, .control = control, .control_length = sizeof(control)};
	long got;
	*attached = (struct rt_attached){-1, 0};
	do
		got = rt_sys(recvmsg, socket, &message, CLOEXEC_RECEIVED);
	while (got == -EINTR);
	if (got < 0)
		return got;
	for (size_t at = 0; at + HEADER <= message.control_length;) {
		const struct part_header *header = (const void *)(control + at);
		if (header->length < HEADER || header->length > message.control_length - at)
			break;
		const char *body = control + at + HEADER;
		if (header->level == LEVEL_SOCKET && header->type == RIGHTS)
			take_descriptors(body, header->length - HEADER, attached);
		if (header->level == LEVEL_SOCKET && header->type == CREDENTIALS &&
			header->length >= CREDENTIALS_LENGTH)
			attached->sender = *(const int *)(const void *)body;
		at += (header->length + 7) / 8 * 8;
	}
	return got;
}
