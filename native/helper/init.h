/* How the runtime starts the helper. */
#ifndef RT_INIT_H
#define RT_INIT_H

/* The helper's initial descriptors, counted from its first argument. Below are the standard ones and those
 * preserved for the program; everything above is closed. The second argument is a bit mask of those present.
 * The listener is init's listening socket, or the pidfd of the container to enter; the seccomp filter arrives
 * over the last. If the program's header requests a trace, the trace memory follows them. */
enum { RT_FD_PROGRAM, RT_FD_CONTROL, RT_FD_LISTENER, RT_FD_FILTER, RT_FD_COUNT };
enum { RT_FD_FIRST = 3 };

/* Exit status of a helper that has reported a failure; engines interpret it as a failed execve after start. */
enum { RT_EXIT_FAILED = 255 };

#endif
