/* Forwards the program's readiness notification (sd_notify(3)) to the service manager. */
#ifndef RT_NOTIFY_H
#define RT_NOTIFY_H

struct rt_notify {
	int program;                 /* bound; -1 for none */
	int manager;                 /* connected; -1 after it was notified */
	const char *const *messages; /* for the manager, one datagram each */
};

/* Receives pending datagrams. The first with the line READY=1 notifies the manager; the others are discarded,
 * because a full queue would block the program. */
void rt_notify_take(struct rt_notify *notify);

#endif
