/* How the runtime starts the helper. */
#ifndef RT_INIT_H
#define RT_INIT_H

/* Descriptors the helper is born with; everything above is closed before it runs. */
enum { RT_FD_PROGRAM = 3, RT_FD_CONTROL = 4, RT_FD_LISTENER = 5, RT_FD_FIRST_FREE = 6 };

/* Exit status of a helper that has reported a failure: engines know it from execve failing after start. */
enum { RT_EXIT_FAILED = 255 };

#endif
