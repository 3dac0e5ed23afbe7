/* Descriptors over unix sockets (unix(7), SCM_RIGHTS), without libc's structures. */
#ifndef RT_DESCRIPTOR_H
#define RT_DESCRIPTOR_H

#include "sys.h"

enum { RT_AF_UNIX = 1, RT_SOCK_STREAM = 1, RT_SOCK_SEQPACKET = 5, RT_MSG_NOSIGNAL = 0x4000 };

/* The kernel's struct msghdr (sendmsg(2)) on 64-bit machines; libc's differ in padding and member names. */
struct rt_message {
	void *name;
	int name_length;
	const struct rt_iovec *parts;
	size_t part_count;
	void *control;
	size_t control_length;
	unsigned flags;
};

/* A control message with one descriptor (SCM_RIGHTS, cmsg(3)). */
struct rt_rights {
	size_t length;
	int level, type;
	int fd;
	int padding;
};

struct rt_rights rt_rights_of(int fd);

/* Sends one message of `size` bytes, at least one, with one descriptor. Returns 0 or a negative errno; never
 * raises SIGPIPE. */
int rt_send_descriptor(int socket, const void *data, size_t size, int fd);

/* Ancillary data of a message. */
struct rt_attached {
	int fd; /* close-on-exec, or -1 */
	/* The sender's pid from the kernel if the socket has SO_PASSCRED; else 0. */
	int sender;
};

/* Receives one message. Returns the number of bytes, 0 at end of file, or a negative errno. */
long rt_receive_attached(int socket, void *data, size_t size, struct rt_attached *attached);

#endif
