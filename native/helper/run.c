/* Runs ops in order, without decisions of its own. native/generated/dispatch.c calls the function of each. */
#include "context.h"
#include "decimal.h"
#include "init.h"
#include "sys.h"

void rt_context_init(struct rt_context *context, int control, int listener)
{
	*context = (struct rt_context){.control = control,
		.listener = listener,
		.filter = -1,
		.null_device = -1,
		.empty_directory = -1,
		.self = -1,
		.procfs = -1,
		.receiver = -1};
	for (int slot = 0; slot < RT_SLOTS; slot++)
		context->slots[slot] = -1;
}

void rt_context_close(struct rt_context *context)
{
	for (int slot = 0; slot < RT_SLOTS; slot++)
		rt_close(&context->slots[slot]);
	rt_close(&context->null_device);
	rt_close(&context->empty_directory);
	rt_close(&context->self);
	rt_close(&context->procfs);
	rt_close(&context->receiver);
	rt_close(&context->filter);
}

void rt_note_host_pid(struct rt_context *context, uint32_t pid)
{
	char digits[RT_DECIMAL_SIZE];
	const char *number = rt_decimal(digits, pid);
	rt_copy(context->host_pid, number, rt_strlen(number) + 1);
}

/* Inserts in ascending order; skips closed ones. */
static void add_kept(int *kept, size_t *count, int fd)
{
	if (fd < 0)
		return;
	size_t at = (*count)++;
	for (; at > 0 && kept[at - 1] > fd; at--)
		kept[at] = kept[at - 1];
	kept[at] = fd;
}

int rt_close_rest(struct rt_context *context)
{
	enum { PASSED_MAX = 8 };
	int kept[4 + RT_LOGS_MAX + PASSED_MAX], log_fds[RT_LOGS_MAX];
	size_t count = 0;
	if (context->rest_closed)
		return 0;
	if (context->passed_count > PASSED_MAX)
		return rt_fail(context, "close_range", -EMFILE);
	const int sockets[] = {context->control, context->listener, context->filter, context->receiver};
	for (size_t i = 0; i < sizeof(sockets) / sizeof(sockets[0]); i++)
		add_kept(kept, &count, sockets[i]);
	for (uint32_t i = 0; i < context->log_count; i++)
		add_kept(kept, &count, log_fds[i] = context->slots[context->logs[i]]);
	for (uint32_t i = 0; i < context->passed_count; i++)
		add_kept(kept, &count, (int)(context->passed_first + i));
	int from = context->first;
	long status = 0;
	for (size_t i = 0; i < count && status >= 0; i++) {
		if (kept[i] > from)
			status = rt_sys(close_range, from, kept[i] - 1, 0);
		if (kept[i] >= from)
			from = kept[i] + 1;
	}
	if (status >= 0)
		status = rt_sys(close_range, from, ~0u, 0);
	if (status < 0)
		return rt_fail(context, "close_range", status);
	for (int slot = 0; slot < RT_SLOTS; slot++)
		context->slots[slot] = -1;
	for (uint32_t i = 0; i < context->log_count; i++)
		context->slots[context->logs[i]] = log_fds[i];
	context->null_device = context->empty_directory = context->procfs = context->self = -1;
	context->null_detached = false;
	context->rest_closed = true;
	return 0;
}

int rt_run_ops(struct rt_context *context, const struct rt_program *program, uint32_t *index)
{
	struct rt_reader reader = program->reader;
	for (*index = 0; *index < program->count; ++*index) {
		struct rt_op op;
		rt_next_op(&reader, &op);
		context->op = *index;
		context->detail_length = 0;
		struct rt_trace_record *record =
			rt_trace_begin(context->trace, context->trace_number, *index, op.code);
		int status = rt_run_op(context, &op);
		rt_trace_end(record, status);
		if (status < 0)
			return status;
	}
	return 0;
}
