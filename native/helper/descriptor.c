#include "descriptor.h"

enum { LEVEL_SOCKET = 1, RIGHTS = 1, CREDENTIALS = 2, CLOEXEC_RECEIVED = 0x40000000 };
enum { RIGHTS_LENGTH = offsetof(struct rt_rights, fd) + sizeof(int) };

struct rt_rights rt_rights_of(int fd)
{
	return (struct rt_rights){RIGHTS_LENGTH, LEVEL_SOCKET, RIGHTS, fd, 0};
}

int rt_send_descriptor(int socket, const void *data, size_t size, int fd)
{
	struct rt_rights rights = rt_rights_of(fd);
	struct rt_iovec part = {data, size};
	struct rt_message message = {
		.parts = &part, .part_count = 1, .control = &rights, .control_length = sizeof(rights)};
	long sent;
	do
		sent = rt_sys(sendmsg, socket, &message, RT_MSG_NOSIGNAL);
	while (sent == -EINTR);
	return sent < 0 ? (int)sent : 0;
}

/* The header of a control message, each padded to a multiple of eight bytes (cmsg(3)). */
struct part_header {
	size_t length;
	int level, type;
};

enum {
	HEADER = sizeof(struct part_header),
	CREDENTIALS_LENGTH = HEADER + 3 * sizeof(int),
	ALIGNED_CREDENTIALS = HEADER + 4 * sizeof(int),
};

/* Keeps the first descriptor: an untrusted sender may have sent more. */
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
	struct rt_iovec part = {data, size};
	struct rt_message message = {
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
