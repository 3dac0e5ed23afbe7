/* Requests of rtnetlink(7), one at a time. */
#ifndef RT_NETLINK_H
#define RT_NETLINK_H

#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RT_NETLINK_MESSAGE_MAX = 1024 };

struct rt_netlink_request {
	struct nlmsghdr header;
	union {
		struct ifinfomsg link;
		struct ifaddrmsg address;
	};
	char attributes[RT_NETLINK_MESSAGE_MAX];
};

/* Called for each message of an answer; a negative errno ends it. */
typedef int rt_netlink_visitor(const struct nlmsghdr *message, void *argument);

/* Opens a socket in the current network namespace; a negative errno on failure. */
int rt_netlink_open(void);

/* `body` is the size of the struct after the header. */
void rt_netlink_begin(struct rt_netlink_request *request, uint16_t type, uint16_t flags, size_t body);

/* Appends an attribute. False if there is no room. */
bool rt_netlink_add(struct rt_netlink_request *request, uint16_t type, const void *data, size_t length);

/* Sends the request and reads the answer up to the acknowledgement or the end of the dump. Returns 0 or a
 * negative errno. */
int rt_netlink_ask(
	int socket, const struct rt_netlink_request *request, rt_netlink_visitor *visit, void *argument);

#endif
