/* Records from the helper to the runtime, one SOCK_SEQPACKET message each; src/launch/records.ts reads them, and
 * docs/protocol.md draws the conversation. What forked and terminal bring is in what the kernel adds to the message: none
 * of it is believed further than the kernel confirms it (native/host/control.c). */
#ifndef RT_RECORD_H
#define RT_RECORD_H

#include "../generated/protocol.h"
#include "context.h"

struct rt_record_header {
	uint32_t kind;
	uint32_t op;    /* index of the op in the program */
	uint32_t error; /* errno; for hook_failed the outcome */
	/* For hook_failed the value of the outcome, for waiting the wait. The receiver fills in: for terminal the descriptor
	 * that came with it (~0 for none), for forked and forked_outside the pid of its sender (0 when that is no child of the
	 * receiver's). */
	uint32_t value;
	uint32_t call_length;   /* bytes of the call's name, which follow */
	uint32_t detail_length; /* bytes after the name: head of the program, output of the hook */
};

int rt_report(
	struct rt_context *context, enum rt_record_kind kind, uint32_t op, uint32_t error, uint32_t value);

/* Tells the runtime that the helper goes on as this process: `kind` is forked or forked_outside. */
int rt_report_forked(struct rt_context *context, enum rt_record_kind kind);

/* Waits for the runtime's go-ahead: 0, -EPIPE at end of file, or -EPROTO when it is for another wait. */
int rt_await_go_ahead(int socket, enum rt_wait wait);

#endif
