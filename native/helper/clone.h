/* clone3(2) without libc's bookkeeping. */
#ifndef RT_CLONE_H
#define RT_CLONE_H

#include <stddef.h>
#include <stdint.h>

#include <linux/sched.h>

/* Runs `child` with `argument` in the child, on the stack of `args` or, with CLONE_VFORK, on the parent's
 * while the parent waits. `child` must not return. Returns the child's pid or a negative errno. */
long rt_clone(struct clone_args *args, size_t size, void (*child)(void *), void *argument);

#endif
