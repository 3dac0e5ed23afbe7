/* Records from the helper to the runtime, one SOCK_SEQPACKET message each, read by src/launch/records.ts;
 * docs/protocol.md shows the exchange. Descriptors and pids travel as ancillary data, and are trusted only as
 * far as the kernel confirms them (native/host/control.c). */
#ifndef RT_RECORD_H
#define RT_RECORD_H

#include "../generated/protocol.h"
#include "context.h"

struct rt_record_header {
	uint32_t kind;
	uint32_t op;    /* index of the op in the program */
	uint32_t error; /* errno, also for incomplete; for hook_failed the outcome */
	/* For hook_failed the value of the outcome, for waiting the wait. The receiver fills in: for terminal
	 * and listener the descriptor received (~0 for none), for forked and forked_outside the sender's pid (0 if it is
	 * not the receiver's child). */
	uint32_t value;
	uint32_t call_length;   /* length of the call's name, which follows */
	uint32_t detail_length; /* length of the bytes after it: head of the program, output of the hook */
};

int rt_report(
	struct rt_context *context, enum rt_record_kind kind, uint32_t op, uint32_t error, uint32_t value);

/* Reports that the running op could not do all that it was asked to, and that the helper continues without it.
 * `detail` is of the op. Returns 0 or a negative errno. */
int rt_report_incomplete(struct rt_context *context, const char *call, long result);

/* Reports that the helper continues in this process: `kind` is forked or forked_outside. */
int rt_report_forked(struct rt_context *context, enum rt_record_kind kind);

/* Waits for the runtime's go-ahead: 0, -EPIPE at end of file, or -EPROTO if it answers another wait. */
int rt_await_go_ahead(int socket, enum rt_wait wait);

#endif
