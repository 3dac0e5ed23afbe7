/* Addresses of unix sockets. */
#ifndef RT_ADDRESS_H
#define RT_ADDRESS_H

#include <linux/un.h>
#include <stddef.h>

struct rt_address {
	struct sockaddr_un address;
	size_t length;
};

/* The address of a socket file, through a descriptor of its directory, because the path may exceed the 108
 * bytes of sun_path. Keep `directory` open until the address has been used. A path that begins with @ names
 * an abstract socket (unix(7)). */
int rt_socket_address(const char *path, struct rt_address *address, int *directory);

#endif
