/* Generated from schema/protocol.json by schema/build/protocol.ts; do not edit. */
/* clang-format off */
#ifndef RT_PROTOCOL_H
#define RT_PROTOCOL_H

/* The kinds of the helper's records. */
enum rt_record_kind {
	/* An op failed; the helper waits until the socket is closed, so that the runtime can look at its files, and exits. */
	RT_RECORD_FAILED = 1,
	/* The helper waits for the runtime; `value` is the wait. */
	RT_RECORD_WAITING = 2,
	/* Init is complete. */
	RT_RECORD_READY = 3,
	/* A hook failed; the helper waits as after failed, and exits. */
	RT_RECORD_HOOK_FAILED = 4,
	/* A terminal was opened; its master is attached to the record. */
	RT_RECORD_TERMINAL = 5,
	/* The helper continues in the sending process; the runtime reaps the first one. */
	RT_RECORD_FORKED = 6,
	/* Like forked, but the sender is not yet in the container's cgroup. */
	RT_RECORD_FORKED_OUTSIDE = 7,
	/* A filter was loaded whose refusals the runtime answers; its listener is attached to the record. */
	RT_RECORD_LISTENER = 10,
	/* An op could not do all that it was asked to; the helper continues. */
	RT_RECORD_INCOMPLETE = 9,
};

/* The runtime's go-ahead: one byte, which identifies the wait that it answers. */
enum rt_wait {
	/* The runtime lets init execute the program: `run` at once, `start` later over a separate connection. */
	RT_WAIT_START = 1,
	/* The runtime does the same as start, then sends the memory of a trace. */
	RT_WAIT_START_TRACED = 2,
	/* The runtime has saved the state and exits (`create`). */
	RT_WAIT_SAVED = 3,
	/* The runtime has systemd move the process into its unit. */
	RT_WAIT_UNIT = 4,
	/* The runtime makes the cgroups, unprompted. */
	RT_WAIT_CGROUPS = 5,
	/* The runtime sets the limits, unprompted. */
	RT_WAIT_LIMITS = 6,
	/* The runtime moves network devices, then runs the prestart and createRuntime hooks. */
	RT_WAIT_HOOKS = 7,
	/* The runtime sets the process's scheduler. */
	RT_WAIT_SCHEDULER = 8,
	/* The runtime passes on the terminal's master. */
	RT_WAIT_TERMINAL = 9,
	/* The runtime moves the process out of the full cgroup, so that it can fork. */
	RT_WAIT_PLACE = 10,
	/* The runtime moves the process into the container's cgroup. */
	RT_WAIT_ENTRY = 11,
};

#endif
