/* Native functions that exchange messages with the helper and pass on descriptors. */
#include "address.h"
#include "functions.h"

#include "../helper/descriptor.h"
#include "../helper/record.h"
#include "../helper/sys.h"

#include <linux/poll.h>
#include <linux/wait.h>
#include <stdlib.h>
#include <string.h>

rt_function rt_fn_receive, rt_fn_receiveMessage, rt_fn_send, rt_fn_connect, rt_fn_sendDescriptor;

enum { RECORD_MAX = 16384 };

/* A peer that closes with unread messages causes ECONNRESET before its own messages can be read. Reports that
 * error only if the peer sent nothing. */
static long receive(int socket, void *buffer, size_t size, struct rt_attached *attached)
{
	bool reset = false;
	long length;
	while ((length = rt_receive_attached(socket, buffer, size, attached)) == -ECONNRESET)
		reset = true;
	return length == 0 && reset ? -ECONNRESET : length;
}

static bool is_child(int pid)
{
	return pid > 0 && rt_sys(waitid, P_PID, pid, NULL, WEXITED | WNOHANG | WNOWAIT, NULL) == 0;
}

/* A container that can access the helper can forge records: descriptors and child pids are therefore filled
 * in here, from kernel data. */
static void verify(struct rt_record_header *record, struct rt_attached *attached)
{
	if (record->kind == RT_RECORD_TERMINAL || record->kind == RT_RECORD_LISTENER)
		record->value = (uint32_t)rt_steal_fd(&attached->fd);
	else if (record->kind == RT_RECORD_FORKED || record->kind == RT_RECORD_FORKED_OUTSIDE)
		record->value = is_child(attached->sender) ? (uint32_t)attached->sender : 0;
	rt_close(&attached->fd);
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
	struct rt_attached attached;
	long size = receive(poll.fd, record, RECORD_MAX, &attached);
	if (size < (long)sizeof(struct rt_record_header))
		rt_close(&attached.fd);
	else
		verify((struct rt_record_header *)(void *)record, &attached);
	if (size < 0) {
		free(record);
		return size;
	}
	result->data = record;
	result->length = (size_t)size;
	return 0;
}

int64_t rt_fn_receiveMessage(const struct rt_value *args, struct rt_result *result)
{
	struct rt_attached attached;
	char *record = malloc(RECORD_MAX);
	if (record == NULL)
		return -ENOMEM;
	long size = receive((int)args[0].integer, record + sizeof(int), RECORD_MAX - sizeof(int), &attached);
	if (size < 0) {
		free(record);
		return size;
	}
	memcpy(record, &attached.fd, sizeof(int));
	result->data = record;
	result->length = sizeof(int) + (size_t)size;
	return 0;
}

int64_t rt_fn_send(const struct rt_value *args, struct rt_result *result)
{
	(void)result;
	long sent;
	do
		sent = rt_sys(
			sendto, args[0].integer, args[1].data, args[1].length, RT_MSG_NOSIGNAL, NULL, 0);
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
	RT_CLEANUP_FD int fd = (int)rt_sys(socket, RT_AF_UNIX, args[1].integer | O_CLOEXEC, 0);
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
