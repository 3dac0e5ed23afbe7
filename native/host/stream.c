/* Native functions on stream sockets. Each has a timeout, so that no peer can block the runtime. */
#include <poll.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "result.h"

static int64_t await_ready(int fd, short events, int timeout_ms)
{
	struct pollfd wanted = {.fd = fd, .events = events};
	int ready;
	do
		ready = poll(&wanted, 1, timeout_ms);
	while (ready < 0 && errno == EINTR);
	return ready < 0 ? -errno : ready == 0 ? -ETIMEDOUT : 0;
}

/* connect(2) waits while the backlog is full; SO_SNDTIMEO bounds that for unix sockets too (unix(7)). */
int64_t rt_fn_connectStream(const struct rt_value *args, struct rt_result *result)
{
	(void)result;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (args[0].length >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, args[0].data, args[0].length);
	RT_CLOSE_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	int64_t timeout = args[1].integer;
	struct timeval limit = {.tv_sec = timeout / 1000, .tv_usec = timeout % 1000 * 1000};
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	int connected = fd;
	fd = -1;
	return connected;
}

int64_t rt_fn_sendStream(const struct rt_value *args, struct rt_result *result)
{
	(void)result;
	int fd = (int)args[0].integer;
	for (size_t at = 0; at < args[1].length;) {
		ssize_t sent = send(fd, args[1].data + at, args[1].length - at, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent >= 0) {
			at += (size_t)sent;
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		int64_t status = await_ready(fd, POLLOUT, (int)args[2].integer);
		if (status < 0)
			return status;
	}
	return 0;
}

int64_t rt_fn_sendText(const struct rt_value *args, struct rt_result *result)
{
	return rt_fn_sendStream(args, result);
}

/* Receives at most `max` bytes; empty at the end of the stream. */
int64_t rt_fn_receiveStream(const struct rt_value *args, struct rt_result *result)
{
	int fd = (int)args[0].integer;
	if (args[1].integer <= 0 || args[1].integer > 1 << 20)
		return -EINVAL;
	int64_t status = await_ready(fd, POLLIN, (int)args[2].integer);
	if (status < 0)
		return status;
	RT_FREE char *data = malloc((size_t)args[1].integer);
	if (!data)
		return -ENOMEM;
	ssize_t got = recv(fd, data, (size_t)args[1].integer, MSG_DONTWAIT);
	return got < 0 ? -errno : rt_result_copy(result, data, (size_t)got);
}

/* 1 for a stream socket with another end, else 0: only its end of file tells that nobody holds that any more. */
int64_t rt_fn_isStream(const struct rt_value *args, struct rt_result *result)
{
	(void)result;
	int fd = (int)args[0].integer, type = 0;
	socklen_t size = sizeof(type);
	struct sockaddr_storage peer;
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0 || type != SOCK_STREAM)
		return 0;
	size = sizeof(peer);
	return getpeername(fd, (struct sockaddr *)&peer, &size) == 0;
}
