/* Records from the helper to the runtime, one SOCK_SEQPACKET message each; src/launch/records.ts reads them.
 *
 *   helper                        runtime
 *   HOST_HOOKS          ->        runs prestart and createRuntime hooks
 *                       <-        1 byte: go on (end of file: give up)
 *   TERMINAL            ->        takes the master that comes with it
 *                       <-        1 byte: it is where it belongs
 *   FORKED              ->        reaps the first process, goes on with the second
 *   NO_PLACE            ->        moves the process out of the cgroup that counts it
 *                       <-        1 byte: it can fork; after the FORKED that follows another one: the child is in the cgroup
 *   SCHEDULER           ->        sets the scheduler of the process
 *                       <-        1 byte: it is set
 *   READY               ->        saves the state
 *                       <-        1 byte: run's "execute"; create's "saved", after which it exits and
 *                                 `start` sends 1 byte over a connection of its own: execute
 *   end of file         ->        execve has happened
 *   FAILED, HOOK_FAILED ->        at any point; the helper then exits
 *   STAGE_FAILED        ->        from the stage, before there is a helper
 *   FORKED              ->        the helper goes on as its sibling with the pid in `value`, and exits
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
	RT_RECORD_STAGE_FAILED = 7,
	RT_RECORD_NO_PLACE = 8,
	RT_RECORD_SCHEDULER = 9
};

struct rt_record_header {
	uint32_t kind;
	uint32_t op;    /* index of the op in the program */
	uint32_t error; /* errno; for HOOK_FAILED the outcome */
	uint32_t value; /* for HOOK_FAILED the value of the outcome; a descriptor that came with it; a pid */
	uint32_t call_length;   /* bytes of the call's name, which follow */
	uint32_t detail_length; /* bytes after the name: head of the program, output of the hook */
};

int rt_report(
	struct rt_context *context, enum rt_record_kind kind, uint32_t op, uint32_t error, uint32_t value);

/* Waits for the runtime's go-ahead: 0, or -EPIPE at end of file. */
int rt_wait_for_byte(int socket);

#endif
