/* Device rules of cgroup v2: an eBPF program on the cgroup (bpf(2), BPF_PROG_TYPE_CGROUP_DEVICE). */
#include "context.h"
#include "sys.h"

#include <linux/bpf.h>

enum { MAX_ATTACHED = 64, INSTRUCTION_SIZE = sizeof(struct bpf_insn) };

/* Larger than any kernel's union bpf_attr: some kernels write past the end of a shorter one. */
union padded_attr {
	union bpf_attr attr;
	uint8_t bytes[512];
};

/* Identifies our programs to the next such op: engines and systemd attach programs, too. */
static const char program_name[] = "rt_devices";

static int load(const struct rt_bytes *program)
{
	static const char license[] = "Apache-2.0";
	union padded_attr padded = {.bytes = {0}};
	padded.attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	padded.attr.insns = (uint64_t)(uintptr_t)program->data;
	padded.attr.insn_cnt = program->length / INSTRUCTION_SIZE;
	padded.attr.license = (uint64_t)(uintptr_t)license;
	for (size_t i = 0; i < sizeof(program_name); i++)
		padded.attr.prog_name[i] = program_name[i];
	return (int)rt_sys(bpf, BPF_PROG_LOAD, &padded, sizeof(padded));
}

static int program_info(int program, struct bpf_prog_info *info)
{
	union padded_attr padded = {.bytes = {0}};
	padded.attr.info.bpf_fd = (uint32_t)program;
	padded.attr.info.info_len = sizeof(*info);
	padded.attr.info.info = (uint64_t)(uintptr_t)info;
	return (int)rt_sys(bpf, BPF_OBJ_GET_INFO_BY_FD, &padded, sizeof(padded));
}

struct attached {
	uint32_t ids[MAX_ATTACHED];
	uint32_t count;
};

static int query(int directory, struct attached *attached)
{
	union padded_attr padded = {.bytes = {0}};
	padded.attr.query.target_fd = (uint32_t)directory;
	padded.attr.query.attach_type = BPF_CGROUP_DEVICE;
	padded.attr.query.prog_ids = (uint64_t)(uintptr_t)attached->ids;
	padded.attr.query.prog_cnt = MAX_ATTACHED;
	long status = rt_sys(bpf, BPF_PROG_QUERY, &padded, sizeof(padded));
	attached->count = padded.attr.query.prog_cnt;
	return (int)status;
}

/* Returns 0 if the program is attached to the cgroup. */
static int verify(int directory, int program)
{
	struct bpf_prog_info info = {0};
	struct attached attached;
	int status = program_info(program, &info);
	if (status >= 0)
		status = query(directory, &attached);
	if (status < 0)
		return status;
	for (uint32_t i = 0; i < attached.count && i < MAX_ATTACHED; i++)
		if (attached.ids[i] == info.id)
			return 0;
	return -ESRCH;
}

static int attach(int directory, int program)
{
	union padded_attr padded = {.bytes = {0}};
	padded.attr.target_fd = (uint32_t)directory;
	padded.attr.attach_bpf_fd = (uint32_t)program;
	padded.attr.attach_type = BPF_CGROUP_DEVICE;
	padded.attr.attach_flags = BPF_F_ALLOW_MULTI;
	return (int)rt_sys(bpf, BPF_PROG_ATTACH, &padded, sizeof(padded));
}

/* Detaches the program with this ID if it is ours. It may already be gone. */
static int detach_ours(int directory, uint32_t id)
{
	union padded_attr padded = {.bytes = {0}};
	padded.attr.prog_id = id;
	RT_CLEANUP_FD int program = (int)rt_sys(bpf, BPF_PROG_GET_FD_BY_ID, &padded, sizeof(padded));
	if (program < 0)
		return program == -ENOENT ? 0 : program;
	struct bpf_prog_info info = {0};
	int status = program_info(program, &info);
	if (status < 0)
		return status;
	for (size_t i = 0; i < sizeof(program_name); i++)
		if (info.name[i] != program_name[i])
			return 0;
	union padded_attr request = {.bytes = {0}};
	request.attr.target_fd = (uint32_t)directory;
	request.attr.attach_bpf_fd = (uint32_t)program;
	request.attr.attach_type = BPF_CGROUP_DEVICE;
	status = (int)rt_sys(bpf, BPF_PROG_DETACH, &request, sizeof(request));
	return status == -ENOENT ? 0 : status;
}

/* An access needs the consent of every attached program. Attaching the new program before detaching the old
 * one may therefore restrict the container briefly, but never grants more. */
int rt_device_program(struct rt_context *context, const struct rt_op_device_program *op)
{
	if (op->program.length % INSTRUCTION_SIZE != 0)
		return rt_fail(context, "bpf", -EINVAL);
	RT_CLEANUP_FD int directory =
		rt_open_how(AT_FDCWD, op->directory.data, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, 0);
	if (directory < 0)
		return rt_fail(context, "openat2", directory);
	struct attached before;
	int status = query(directory, &before);
	if (status < 0)
		return rt_fail(context, "bpf", status);
	if (op->program.length > 0) {
		RT_CLEANUP_FD int program = load(&op->program);
		if (program < 0)
			return rt_fail(context, "bpf", program);
		status = attach(directory, program);
		if (status >= 0)
			status = verify(directory, program);
	}
	for (uint32_t i = 0; status >= 0 && i < before.count && i < MAX_ATTACHED; i++)
		status = detach_ours(directory, before.ids[i]);
	return status < 0 ? rt_fail(context, "bpf", status) : 0;
}
