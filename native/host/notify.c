/* The service manager's socket for the container's program. */
#include "notify.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "address.h"
#include "result.h"

enum { DATAGRAM_MAX = 4096 };

/* Receives one datagram: 1 if a line is READY=1, else 0. */
static int64_t take_ready(int fd)
{
	static const char ready[] = "READY=1";
	char data[DATAGRAM_MAX + 1];
	ssize_t size = recv(fd, data, DATAGRAM_MAX, MSG_DONTWAIT);
	if (size < 0)
		return -errno;
	data[size] = '\0';
	for (const char *line = data; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		size_t length = strcspn(line, "\n");
		if (length == sizeof(ready) - 1 && memcmp(line, ready, length) == 0)
			return 1;
	}
	return 0;
}

void rt_notify_take(struct rt_notify *notify)
{
	int64_t ready;
	while ((ready = take_ready(notify->program)) >= 0) {
		if (ready == 0 || notify->manager < 0)
			continue;
		for (const char *const *message = notify->messages; *message; message++)
			send(notify->manager, *message, strlen(*message), MSG_NOSIGNAL);
		notify->manager = -1;
	}
}

int64_t rt_fn_takeReady(const struct rt_value *args, struct rt_result *result)
{
	(void)result;
	return take_ready((int)args[0].integer);
}

int64_t rt_fn_bindDatagram(const struct rt_value *args, struct rt_result *result)
{
	(void)result;
	struct rt_address address;
	RT_CLOSE_FD int directory = -1;
	int status = rt_socket_address(args[0].data, &address, &directory);
	if (status < 0)
		return status;
	RT_CLOSE_FD int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&address.address, (socklen_t)address.length) < 0)
		return -errno;
	int bound = fd;
	fd = -1;
	return bound;
}

int64_t rt_fn_pipe(const struct rt_value *args, struct rt_result *result)
{
	(void)args;
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	result->numbers[0] = ends[0];
	result->numbers[1] = ends[1];
	result->count = 2;
	return 0;
}
