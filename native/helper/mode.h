#ifndef RT_MODE_H
#define RT_MODE_H

#include <stdint.h>

/* chmod(2) of what an O_PATH descriptor holds: 0 or a negative errno, EOPNOTSUPP for a symbolic link. No name is looked
 * up, so what is changed is what was opened and verified. */
int rt_set_mode(int fd, uint32_t mode);

#endif
