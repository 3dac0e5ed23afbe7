/* A network device's state, for restoring it. */
#ifndef RT_NET_DEVICE_H
#define RT_NET_DEVICE_H

#include <stddef.h>

enum { RT_NET_DEVICE_STATE_MAX = 32768 };

/* Writes the state of a device in the current network namespace in the format of the op net_device. Returns
 * its length or a negative errno. */
long rt_net_device_state(const char *name, char *state, size_t size);

#endif
