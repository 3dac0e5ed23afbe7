/* Moves network devices to a container and back (rtnetlink(7)). */
#include "clone.h"
#include "context.h"
#include "net_device.h"
#include "netlink.h"
#include "sys.h"

#include <linux/if.h>
#include <linux/if_link.h>

enum { ADDRESSES_MAX = 16384 };

struct device {
	int index;
	bool up;
};

static int keep_device(const struct nlmsghdr *message, void *argument)
{
	const struct ifinfomsg *link = NLMSG_DATA(message);
	if (message->nlmsg_type == RTM_NEWLINK)
		*(struct device *)argument = (struct device){link->ifi_index, link->ifi_flags & IFF_UP};
	return 0;
}

static int look_up(int socket, const char *name, struct device *device)
{
	struct rt_netlink_request request;
	device->index = -ENODEV;
	rt_netlink_begin(&request, RTM_GETLINK, NLM_F_ACK, sizeof(request.link));
	if (!rt_netlink_add(&request, IFLA_IFNAME, name, rt_strlen(name) + 1))
		return -ENAMETOOLONG;
	int status = rt_netlink_ask(socket, &request, keep_device, device);
	return status < 0 ? status : device->index;
}

/* The index of a device, or a negative errno (ENODEV if there is none). */
static int find_device(int socket, const struct rt_str *name)
{
	struct device device;
	return look_up(socket, name->data, &device);
}

/* A sequence of requests that restore a device's addresses. */
struct addresses {
	int index;
	bool keep_label;
	bool every_scope;
	size_t length;
	char requests[ADDRESSES_MAX] __attribute__((aligned(8)));
};

/* Flags that configure an address; the others are its current state. */
static const uint32_t lasting_flags =
	IFA_F_PERMANENT | IFA_F_NODAD | IFA_F_HOMEADDRESS | IFA_F_MANAGETEMPADDR | IFA_F_NOPREFIXROUTE;

/* Saves a permanent address. Addresses narrower than global scope are valid only where they are. */
static int keep_address(const struct nlmsghdr *message, void *argument)
{
	struct addresses *kept = argument;
	const struct ifaddrmsg *address = NLMSG_DATA(message);
	struct rt_netlink_request request;
	uint32_t flags = address->ifa_flags;
	if (message->nlmsg_type != RTM_NEWADDR || (int)address->ifa_index != kept->index ||
		(address->ifa_scope != RT_SCOPE_UNIVERSE && !kept->every_scope))
		return 0;
	rt_netlink_begin(
		&request, RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, sizeof(request.address));
	request.address = *address;
	const struct rtattr *attribute = IFA_RTA(address);
	long rest = (long)message->nlmsg_len - (long)NLMSG_LENGTH(sizeof(*address));
	for (; RTA_OK(attribute, rest); attribute = RTA_NEXT(attribute, rest)) {
		unsigned short type = attribute->rta_type;
		if (type == IFA_FLAGS)
			rt_copy(&flags, RTA_DATA(attribute), sizeof(flags));
		if (type == IFA_FLAGS || type == IFA_CACHEINFO || (type == IFA_LABEL && !kept->keep_label))
			continue;
		if (!rt_netlink_add(&request, type, RTA_DATA(attribute), RTA_PAYLOAD(attribute)))
			return -ENOBUFS;
	}
	if (!(flags & IFA_F_PERMANENT))
		return 0;
	flags &= lasting_flags;
	request.address.ifa_flags = (unsigned char)flags;
	size_t size = NLMSG_ALIGN(request.header.nlmsg_len + RTA_SPACE(sizeof(flags)));
	if (!rt_netlink_add(&request, IFA_FLAGS, &flags, sizeof(flags)) ||
		kept->length + size > ADDRESSES_MAX)
		return -ENOBUFS;
	rt_copy(kept->requests + kept->length, &request, request.header.nlmsg_len);
	kept->length += NLMSG_ALIGN(request.header.nlmsg_len);
	return 0;
}

static int read_addresses(int socket, struct addresses *kept)
{
	struct rt_netlink_request request;
	rt_netlink_begin(&request, RTM_GETADDR, NLM_F_DUMP, sizeof(request.address));
	return rt_netlink_ask(socket, &request, keep_address, kept);
}

static int write_addresses(int socket, const struct addresses *kept, int index)
{
	for (size_t at = 0; at < kept->length;) {
		struct rt_netlink_request request;
		const struct nlmsghdr *header = (const struct nlmsghdr *)(const void *)(kept->requests + at);
		rt_copy(&request, header, header->nlmsg_len);
		request.address.ifa_index = (uint32_t)index;
		int status = rt_netlink_ask(socket, &request, NULL, NULL);
		if (status < 0)
			return status;
		at += NLMSG_ALIGN(header->nlmsg_len);
	}
	return 0;
}

static int bring_up(int socket, int index)
{
	struct rt_netlink_request request;
	rt_netlink_begin(&request, RTM_NEWLINK, NLM_F_ACK, sizeof(request.link));
	request.link.ifi_index = index;
	request.link.ifi_flags = IFF_UP;
	request.link.ifi_change = IFF_UP;
	return rt_netlink_ask(socket, &request, NULL, NULL);
}

static int change_namespace(int socket, int index, int namespace, const struct rt_str *name)
{
	struct rt_netlink_request request;
	rt_netlink_begin(&request, RTM_NEWLINK, NLM_F_ACK, sizeof(request.link));
	request.link.ifi_index = index;
	if (!rt_netlink_add(&request, IFLA_NET_NS_FD, &namespace, sizeof(namespace)) ||
		!rt_netlink_add(&request, IFLA_IFNAME, name->data, name->length + 1))
		return -ENAMETOOLONG;
	return rt_netlink_ask(socket, &request, NULL, NULL);
}

/* One side of the move. */
struct side {
	int namespace, socket;
};

/* A state is the up flag in four bytes, followed by the requests that restore the addresses. */
enum { STATE_HEAD = 4 };

long rt_net_device_state(const char *name, char *state, size_t size)
{
	struct device device;
	struct addresses kept = {.keep_label = true, .every_scope = true};
	RT_CLEANUP_FD int socket = rt_netlink_open();
	int status = socket < 0 ? socket : look_up(socket, name, &device);
	if (status < 0)
		return status;
	kept.index = device.index;
	status = read_addresses(socket, &kept);
	if (status < 0)
		return status;
	if (STATE_HEAD + kept.length > size)
		return -ENOBUFS;
	uint32_t up = device.up;
	rt_copy(state, &up, STATE_HEAD);
	rt_copy(state + STATE_HEAD, kept.requests, kept.length);
	return (long)(STATE_HEAD + kept.length);
}

/* False if the state is empty or invalid. */
static bool read_state(const struct rt_bytes *state, bool *up, struct addresses *kept)
{
	uint32_t word = 0;
	if (state->length < STATE_HEAD || state->length - STATE_HEAD > sizeof(kept->requests))
		return false;
	rt_copy(&word, state->data, STATE_HEAD);
	*up = word != 0;
	kept->length = state->length - STATE_HEAD;
	rt_copy(kept->requests, state->data + STATE_HEAD, kept->length);
	return true;
}

/* Moves the device between namespaces, and fails beforehand if the name is in use there. Then applies
 * `state`; without one, brings the device up and restores its addresses. */
static int move_device(const struct side *from, const struct side *to, const struct rt_str *name,
	const struct rt_str *next, const struct rt_bytes *state)
{
	struct addresses kept = {.keep_label = rt_equal(name->data, next->data)};
	bool up = true;
	kept.index = find_device(from->socket, name);
	if (kept.index < 0)
		return kept.index;
	if (find_device(to->socket, next) >= 0)
		return -EEXIST;
	int status = read_state(state, &up, &kept) ? 0 : read_addresses(from->socket, &kept);
	if (status == 0)
		status = change_namespace(from->socket, kept.index, to->namespace, next);
	if (status < 0)
		return status;
	int index = find_device(to->socket, next);
	if (index < 0)
		return index;
	status = up ? bring_up(to->socket, index) : 0;
	return status < 0 ? status : write_addresses(to->socket, &kept, index);
}

/* A separate process enters the namespace, so that no thread of the runtime does. It shares the descriptor
 * table, so its socket survives it. */
static void open_socket_there(void *argument)
{
	struct side *there = argument;
	long status = rt_sys(setns, there->namespace, CLONE_NEWNET);
	there->socket = status < 0 ? (int)status : rt_netlink_open();
	rt_leave(0);
}

static int open_side(struct side *side, bool is_own)
{
	if (is_own) {
		side->socket = rt_netlink_open();
		return side->socket;
	}
	struct clone_args args = {.flags = CLONE_VM | CLONE_VFORK | CLONE_FILES};
	uint64_t all = ~0ull, before = 0;
	rt_sys(rt_sigprocmask, 2, &all, &before, sizeof(all));
	long pid = rt_clone(&args, sizeof(args), open_socket_there, side);
	if (pid > 0)
		rt_sys(wait4, pid, NULL, 0x80000000 /* __WCLONE */, NULL);
	rt_sys(rt_sigprocmask, 2, &before, NULL, sizeof(before));
	return pid < 0 ? (int)pid : side->socket;
}

static void close_side(struct side *side)
{
	rt_close(&side->namespace);
	rt_close(&side->socket);
}

int rt_net_device(struct rt_context *context, const struct rt_op_net_device *op)
{
	__attribute__((cleanup(close_side))) struct side own = {-1, -1}, there = {-1, -1};
	struct statx here, other;
	own.namespace = rt_open_how(AT_FDCWD, "/proc/thread-self/ns/net", O_RDONLY, 0, 0);
	there.namespace = rt_open_how(AT_FDCWD, op->namespace.data, O_RDONLY | O_NONBLOCK, 0, 0);
	if (own.namespace < 0 || there.namespace < 0)
		return rt_fail(context, "openat2", own.namespace < 0 ? own.namespace : there.namespace);
	if (rt_statx(own.namespace, &here) < 0 || rt_statx(there.namespace, &other) < 0)
		return rt_fail(context, "statx", -EIO);
	if (here.stx_ino == other.stx_ino)
		return rt_fail(context, "rtnetlink", -EALREADY);
	int status = open_side(&own, true);
	if (status >= 0)
		status = open_side(&there, false);
	if (status < 0)
		return rt_fail(context, "socket", status);
	status = op->back ? move_device(&there, &own, &op->new_name, &op->name, &op->state)
			  : move_device(&own, &there, &op->name, &op->new_name, &op->state);
	return status < 0 ? rt_fail(context, "rtnetlink", status) : 0;
}
