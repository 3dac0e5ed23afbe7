#ifndef RT_MODE_H
#define RT_MODE_H

#include <stdint.h>

/* chmod(2) of an O_PATH descriptor: 0 or a negative errno, EOPNOTSUPP for a symbolic link. No path is
 * resolved, so the file changed is the one that was verified. `self`: this process's directory in a procfs,
 * -1 for that of the mounted one. */
int rt_set_mode(int fd, uint32_t mode, int self);

#endif
