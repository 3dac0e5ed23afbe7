/* How the runtime starts the helper. */
#ifndef RT_INIT_H
#define RT_INIT_H

/* Descriptors the helper is born with, counted from its first argument: below are the standard ones and those that the
 * program gets, everything above is closed. Its second argument has a bit for each of them that is there. The listener is the socket on which init listens, or the pidfd of the
 * container that is entered; the seccomp filter comes over the last. The memory of a trace comes behind them, where
 * the header of the program asks for one. */
enum { RT_FD_PROGRAM, RT_FD_CONTROL, RT_FD_LISTENER, RT_FD_FILTER, RT_FD_COUNT };
enum { RT_FD_FIRST = 3 };

/* Exit status of a helper that has reported a failure: engines know it from execve failing after start. */
enum { RT_EXIT_FAILED = 255 };

#endif
