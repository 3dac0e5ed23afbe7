/* Messages on the helper's control socket, which a container may have obtained, and their descriptors: only
 * the one returned stays open. */
#include "fuzz.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../../native/helper/record.h"
#include "../../../native/host/functions.h"

rt_function rt_fn_receive, rt_fn_receiveMessage, rt_fn_takeReady;

enum { MOST_DESCRIPTORS = 8, LARGEST = 20000 };

static void send_input(int socket, const uint8_t *data, size_t size, unsigned int count)
{
	int descriptors[MOST_DESCRIPTORS];
	char space[CMSG_SPACE(sizeof(descriptors))] = {0};
	struct iovec part = {(void *)(uintptr_t)data, size};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	if (count > 0) {
		message.msg_control = space;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
		struct cmsghdr *header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(count * sizeof(int));
		for (unsigned int i = 0; i < count; i++)
			descriptors[i] = socket;
		memcpy(CMSG_DATA(header), descriptors, count * sizeof(int));
	}
	require(sendmsg(socket, &message, 0) == (ssize_t)size);
}

static int next_descriptor(void)
{
	int fd = fcntl(0, F_DUPFD, 0);
	close(fd);
	return fd;
}

/* Closes the returned descriptor; no other may be open. */
static void settle(int taken, int before)
{
	if (taken >= 0)
		close(taken);
	require(next_descriptor() == before);
}

static void touch(const struct rt_result *result)
{
	volatile char sink;
	for (size_t i = 0; i < result->length; i++)
		sink = result->data[i];
	(void)sink;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2 || size > LARGEST)
		return 0;
	static int pair[2] = {-1, -1};
	if (pair[0] < 0) {
		require(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0);
		require(setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &(int){1}, sizeof(int)) == 0);
	}
	int before = next_descriptor();
	unsigned int count = data[0] % (MOST_DESCRIPTORS + 1);
	struct rt_value args[] = {{.integer = pair[0]}, {.integer = 0}};
	struct rt_result result = {0};
	int taken = -1;
	send_input(pair[1], data + 1, size - 1, count);
	int64_t status;
	if (data[0] & 0x80) {
		status = rt_fn_receiveMessage(args, &result);
		require(status >= 0 && result.length >= sizeof(int));
		memcpy(&taken, result.data, sizeof(int));
		require((taken >= 0) == (count > 0));
	} else {
		uint32_t header[4];
		status = rt_fn_receive(args, &result);
		require(status >= 0);
		if (result.length >= 24) {
			memcpy(header, result.data, sizeof(header));
			bool passes = header[0] == RT_RECORD_TERMINAL || header[0] == RT_RECORD_LISTENER;
			if (passes)
				taken = (int)header[3];
			require(!passes || (taken >= 0) == (count > 0));
		}
	}
	touch(&result);
	free(result.data);
	settle(taken, before);
	send_input(pair[1], data + 1, size - 1, 0);
	require(rt_fn_takeReady(args, &result) >= 0);
	return 0;
}
