/* Generated from schema/protocol.json by schema/build/protocol.ts; do not edit. */
/* clang-format off */
#ifndef RT_PROTOCOL_H
#define RT_PROTOCOL_H

/* The kind of a record of the helper. */
enum rt_record_kind {
	/* An op failed; the helper exits. */
	RT_RECORD_FAILED = 1,
	/* The helper waits for the runtime; `value` is the wait. */
	RT_RECORD_WAITING = 2,
	/* Init is complete. */
	RT_RECORD_READY = 3,
	/* A hook failed; the helper exits. */
	RT_RECORD_HOOK_FAILED = 4,
	/* A terminal was made, whose master comes with the record. */
	RT_RECORD_TERMINAL = 5,
	/* The helper goes on as the sender; the runtime reaps the first process. */
	RT_RECORD_FORKED = 6,
	/* As forked; the sender is not in the container's cgroup yet. */
	RT_RECORD_FORKED_OUTSIDE = 7,
};

/* The go-ahead of the runtime, which names what the helper waits for: one byte. */
enum rt_wait {
	/* The runtime `run` executes the program at once; `start` asks for it later, over a connection of its own. */
	RT_WAIT_START = 1,
	/* The runtime as start; the memory of a trace follows. */
	RT_WAIT_START_TRACED = 2,
	/* The runtime `create` has saved the state and exits. */
	RT_WAIT_SAVED = 3,
	/* The runtime has systemd put the process into its unit. */
	RT_WAIT_UNIT = 4,
	/* The runtime makes the cgroups, unasked. */
	RT_WAIT_CGROUPS = 5,
	/* The runtime sets the limits, unasked. */
	RT_WAIT_LIMITS = 6,
	/* The runtime moves network devices, then runs the prestart and createRuntime hooks. */
	RT_WAIT_HOOKS = 7,
	/* The runtime sets the scheduler of the process. */
	RT_WAIT_SCHEDULER = 8,
	/* The runtime passes the master of the terminal on. */
	RT_WAIT_TERMINAL = 9,
	/* The runtime moves the process out of the cgroup that is full, where it can fork. */
	RT_WAIT_PLACE = 10,
	/* The runtime moves the process into the container's cgroup. */
	RT_WAIT_ENTRY = 11,
};

#endif
