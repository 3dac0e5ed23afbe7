#include "netlink.h"

#include "sys.h"

enum { NETLINK_FAMILY = 16, RAW = 3, ANSWER_MAX = 32768 };

int rt_netlink_open(void)
{
	return (int)rt_sys(socket, NETLINK_FAMILY, RAW | O_CLOEXEC, NETLINK_ROUTE);
}

void rt_netlink_begin(struct rt_netlink_request *request, uint16_t type, uint16_t flags, size_t body)
{
	for (size_t i = 0; i < sizeof(*request); i++)
		((char *)request)[i] = 0;
	request->header.nlmsg_len = (uint32_t)NLMSG_LENGTH(body);
	request->header.nlmsg_type = type;
	request->header.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
}

bool rt_netlink_add(struct rt_netlink_request *request, uint16_t type, const void *data, size_t length)
{
	size_t at = NLMSG_ALIGN(request->header.nlmsg_len);
	if (at + RTA_SPACE(length) > sizeof(*request))
		return false;
	struct rtattr *attribute = (struct rtattr *)(void *)((char *)request + at);
	attribute->rta_type = type;
	attribute->rta_len = (unsigned short)RTA_LENGTH(length);
	rt_copy(RTA_DATA(attribute), data, length);
	request->header.nlmsg_len = (uint32_t)(at + RTA_LENGTH(length));
	return true;
}

static int send_request(int socket, const struct rt_netlink_request *request)
{
	long sent = rt_sys(sendto, socket, request, request->header.nlmsg_len, 0, NULL, 0);
	return sent < 0 ? (int)sent : 0;
}

int rt_netlink_ask(
	int socket, const struct rt_netlink_request *request, rt_netlink_visitor *visit, void *argument)
{
	char answer[ANSWER_MAX] __attribute__((aligned(8)));
	int status = send_request(socket, request);
	if (status < 0)
		return status;
	for (;;) {
		long size = rt_sys(recvfrom, socket, answer, sizeof(answer), 0, NULL, NULL);
		if (size == -EINTR)
			continue;
		if (size < 0)
			return (int)size;
		const struct nlmsghdr *message = (const struct nlmsghdr *)(void *)answer;
		for (; NLMSG_OK(message, size); message = NLMSG_NEXT(message, size)) {
			if (message->nlmsg_type == NLMSG_ERROR)
				return ((const struct nlmsgerr *)NLMSG_DATA(message))->error;
			if (message->nlmsg_type == NLMSG_DONE)
				return 0;
			status = visit == NULL ? 0 : visit(message, argument);
			if (status < 0)
				return status;
		}
	}
}
