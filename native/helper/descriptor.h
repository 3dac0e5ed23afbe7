/* Descriptors over unix sockets (unix(7), SCM_RIGHTS), without libc's structures. */
#ifndef RT_DESCRIPTOR_H
#define RT_DESCRIPTOR_H

#include <stddef.h>

/* Sends one message of `size` bytes, at least one, with one descriptor. 0 or a negative errno; never SIGPIPE. */
int rt_send_descriptor(int socket, const void *data, size_t size, int fd);

/* What came with a message. */
struct rt_attached {
	int fd; /* close-on-exec, or -1 */
	/* The process that has sent it, by the kernel's word, where the socket asks for that (SO_PASSCRED); else 0. */
	int sender;
};

/* Receives one message. The number of bytes, 0 at end of file, or a negative errno. */
long rt_receive_attached(int socket, void *data, size_t size, struct rt_attached *attached);

#endif
