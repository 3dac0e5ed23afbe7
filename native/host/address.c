#include "address.h"

#include "../helper/context.h"
#include "../helper/decimal.h"
#include "../helper/descriptor.h"
#include "../helper/sys.h"

#include <string.h>

static int abstract_address(const char *name, struct rt_address *address)
{
	size_t length = strlen(name);
	if (length > sizeof(address->address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address->address.sun_path, name, length);
	address->address.sun_path[0] = '\0';
	address->length = offsetof(struct sockaddr_un, sun_path) + length;
	return 0;
}

int rt_socket_address(const char *path, struct rt_address *address, int *directory)
{
	static const char prefix[] = "/proc/self/fd/";
	struct sockaddr_un *unix_address = &address->address;
	unix_address->sun_family = RT_AF_UNIX;
	if (path[0] == '@')
		return abstract_address(path, address);
	const char *slash = strrchr(path, '/');
	char parent[RT_PATH_MAX];
	if (slash == NULL || (size_t)(slash - path) >= sizeof(parent))
		return -EINVAL;
	memcpy(parent, path, (size_t)(slash - path));
	parent[slash - path] = '\0';
	*directory = rt_open_how(AT_FDCWD, parent[0] == '\0' ? "/" : parent, O_PATH | O_DIRECTORY, 0, 0);
	if (*directory < 0)
		return *directory;
	char digits[RT_DECIMAL_SIZE];
	const char *number = rt_decimal(digits, (uint32_t)*directory);
	if (sizeof(prefix) + strlen(number) + strlen(slash) > sizeof(unix_address->sun_path))
		return -ENAMETOOLONG;
	memcpy(unix_address->sun_path, prefix, sizeof(prefix));
	strcat(unix_address->sun_path, number);
	strcat(unix_address->sun_path, slash);
	address->length = sizeof(*unix_address);
	return 0;
}
