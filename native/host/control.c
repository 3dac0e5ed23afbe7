/* Native functions that talk to the helper, and to whom it is to be handed. */
#include "address.h"
#include "functions.h"

#include "../helper/descriptor.h"
#include "../helper/record.h"
#include "../helper/sys.h"

#include <linux/poll.h>
#include <stdlib.h>
#include <string.h>

rt_function rt_fn_receive, rt_fn_receiveMessage, rt_fn_send, rt_fn_connect, rt_fn_sendDescriptor;

enum { UNIX_FAMILY = 1, RECORD_MAX = 16384 };

/* A peer that closes with a message of ours unread resets, before what it has said can be read. */
static long receive(int socket, void *buffer, size_t size, int *fd)
{
	long length;
	do
		length = rt_receive_descriptor(socket, buffer, size, fd);
	while (length == -ECONNRESET);
	return length;
}

int64_t rt_fn_receive(const struct rt_value *args, struct rt_result *result)
{
	int timeout_ms = (int)args[1].integer;
	struct pollfd poll = {(int)args[0].integer, POLLIN, 0};
	struct {
		int64_t seconds, nanoseconds;
	} limit = {timeout_ms / 1000, timeout_ms % 1000 * 1000000L};
	long ready;
	do
		ready = rt_sys(ppoll, &poll, 1, timeout_ms < 0 ? NULL : &limit, NULL, 0);
	while (ready == -EINTR);
	if (ready <= 0)
		return ready < 0 ? ready : -ETIMEDOUT;
	char *record = malloc(RECORD_MAX);
	if (record == NULL)
		return -ENOMEM;
	int fd = -1;
	long size = receive(poll.fd, record, RECORD_MAX, &fd);
	if (size < 0) {
		free(record);
		return size;
	}
	if (fd >= 0 && size >= (long)sizeof(struct rt_record_header))
		((struct rt_record_header *)(void *)record)->value = (uint32_t)fd;
	result->data = record;
	result->length = (size_t)size;
	return 0;
}

int64_t rt_fn_receiveMessage(const struct rt_value *args, struct rt_result *result)
{
	int fd = -1;
	char *record = malloc(RECORD_MAX);
	if (record == NULL)
		return -ENOMEM;
	long size = receive((int)args[0].integer, record + sizeof(fd), RECORD_MAX - sizeof(fd), &fd);
	if (size < 0) {
		free(record);
		return size;
	}
	memcpy(record, &fd, sizeof(fd));
	result->data = record;
	result->length = sizeof(fd) + (size_t)size;
	return 0;
}

int64_t rt_fn_send(const struct rt_value *args, struct rt_result *result)
{
	(void)result;
	long sent;
	do
		sent = rt_sys(sendto, args[0].integer, args[1].data, args[1].length,
			0x4000 /* MSG_NOSIGNAL */, NULL, 0);
	while (sent == -EINTR);
	return sent;
}

int64_t rt_fn_connect(const struct rt_value *args, struct rt_result *result)
{
	(void)result;
	struct rt_address address;
	RT_CLEANUP_FD int directory = -1;
	int status = rt_socket_address(args[0].data, &address, &directory);
	if (status < 0)
		return status;
	RT_CLEANUP_FD int fd = (int)rt_sys(socket, UNIX_FAMILY, args[1].integer | O_CLOEXEC, 0);
	if (fd < 0)
		return fd;
	long connected = rt_sys(connect, fd, &address.address, address.length);
	return connected < 0 ? connected : rt_steal_fd(&fd);
}

int64_t rt_fn_sendDescriptor(const struct rt_value *args, struct rt_result *result)
{
	(void)result;
	return rt_send_descriptor((int)args[0].integer, args[2].data, args[2].length, (int)args[1].integer);
}
