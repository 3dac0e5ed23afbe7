/* What a network device has of its own, to be given back to it. */
#ifndef RT_NET_DEVICE_H
#define RT_NET_DEVICE_H

#include <stddef.h>

enum { RT_NET_DEVICE_STATE_MAX = 32768 };

/* Writes the state of a device of the own network namespace, as the op net_device takes it: its length, or a
 * negative errno. */
long rt_net_device_state(const char *name, char *state, size_t size);

#endif
