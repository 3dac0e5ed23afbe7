/* Records from the helper to the runtime, one SOCK_SEQPACKET message each; src/launch/records.ts reads them.
 *
 *   helper                        runtime
 *   HOST_HOOKS          ->        runs prestart and createRuntime hooks
 *                       <-        1 byte: go on (end of file: give up)
 *   TERMINAL            ->        takes the master that comes with it
 *                       <-        1 byte: it is where it belongs
 *   FORKED              ->        reaps the first process, goes on with its sender
 *   NO_PLACE            ->        moves the process out of the cgroup that counts it
 *                       <-        1 byte: it can fork; after the FORKED that follows another one: the child is in the cgroup
 *   SCHEDULER           ->        sets the scheduler of the process
 *                       <-        1 byte: it is set
 *   READY               ->        saves the state
 *                       <-        1 byte: run's "execute"; create's "saved", after which it exits and
 *                                 `start` sends 1 byte over a connection of its own: execute
 *   end of file         ->        execve has happened
 *   FAILED, HOOK_FAILED ->        at any point; the helper then exits
 *
 * FORKED comes from the second process: the number by which the runtime knows it is in the credentials that the kernel
 * adds. None of this is believed further than the kernel confirms it (native/host/control.c).
 */
#ifndef RT_RECORD_H
#define RT_RECORD_H

#include "context.h"

enum rt_record_kind {
	RT_RECORD_FAILED = 1,
	RT_RECORD_HOST_HOOKS = 2,
	RT_RECORD_READY = 3,
	RT_RECORD_HOOK_FAILED = 4,
	RT_RECORD_TERMINAL = 5,
	RT_RECORD_FORKED = 6,
	RT_RECORD_NO_PLACE = 7,
	RT_RECORD_SCHEDULER = 8
};

struct rt_record_header {
	uint32_t kind;
	uint32_t op;    /* index of the op in the program */
	uint32_t error; /* errno; for HOOK_FAILED the outcome */
	/* For HOOK_FAILED the value of the outcome. The receiver fills in: for TERMINAL the descriptor that came with it
	 * (~0 for none), for FORKED the pid of its sender (0 when that is no child of the receiver's). */
	uint32_t value;
	uint32_t call_length;   /* bytes of the call's name, which follow */
	uint32_t detail_length; /* bytes after the name: head of the program, output of the hook */
};

int rt_report(
	struct rt_context *context, enum rt_record_kind kind, uint32_t op, uint32_t error, uint32_t value);

/* Tells the runtime that the helper goes on as this process. */
int rt_report_forked(struct rt_context *context);

/* Waits for the runtime's go-ahead: 0, or -EPIPE at end of file. */
int rt_wait_for_byte(int socket);

#endif
