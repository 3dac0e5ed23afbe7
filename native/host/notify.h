/* What a program says of itself over a datagram socket (sd_notify(3)), handed on to the service manager. */
#ifndef RT_NOTIFY_H
#define RT_NOTIFY_H

struct rt_notify {
	int program;                 /* bound; -1 for none */
	int manager;                 /* connected; -1 once it has been told */
	const char *const *messages; /* what it is told: a datagram each */
};

/* Takes what has arrived. At the first datagram with the line READY=1 the manager is told; the others are
 * dropped, for a full queue would make the program wait. */
void rt_notify_take(struct rt_notify *notify);

#endif
