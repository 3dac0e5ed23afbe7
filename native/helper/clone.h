/* clone3(2) without libc's bookkeeping. */
#ifndef RT_CLONE_H
#define RT_CLONE_H

#include <stddef.h>
#include <stdint.h>

#include <linux/sched.h>

/* The child runs `child` with `argument`, on the stack of `args` or, with CLONE_VFORK, on this one while the
 * parent waits; it must not return. Gives the parent the child's pid or a negative errno. */
long rt_clone(struct clone_args *args, size_t size, void (*child)(void *), void *argument);

#endif
