/* Device rules of cgroup v2: an eBPF program on the cgroup (bpf(2), BPF_PROG_TYPE_CGROUP_DEVICE). */
#include "context.h"
#include "sys.h"

#include <linux/bpf.h>

enum { MAX_ATTACHED = 64, INSTRUCTION_SIZE = sizeof(struct bpf_insn) };

/* Larger than any kernel's union bpf_attr: some write behind a shorter one. */
union padded_attr {
	union bpf_attr attr;
	uint8_t bytes[512];
};

static int load(const struct rt_bytes *program)
{
	static const char license[] = "Apache-2.0";
	union padded_attr padded = {.bytes = {0}};
	padded.attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	padded.attr.insns = (uint64_t)(uintptr_t)program->data;
	padded.attr.insn_cnt = program->length / INSTRUCTION_SIZE;
	padded.attr.license = (uint64_t)(uintptr_t)license;
	return (int)rt_sys(bpf, BPF_PROG_LOAD, &padded, sizeof(padded));
}

static int program_id(int program, uint32_t *id)
{
	struct bpf_prog_info info = {0};
	union padded_attr padded = {.bytes = {0}};
	padded.attr.info.bpf_fd = (uint32_t)program;
	padded.attr.info.info_len = sizeof(info);
	padded.attr.info.info = (uint64_t)(uintptr_t)&info;
	long status = rt_sys(bpf, BPF_OBJ_GET_INFO_BY_FD, &padded, sizeof(padded));
	*id = info.id;
	return (int)status;
}

/* 0 when the program with this id is among those attached to the cgroup. */
static int verify(int directory, uint32_t id)
{
	uint32_t ids[MAX_ATTACHED];
	union padded_attr padded = {.bytes = {0}};
	padded.attr.query.target_fd = (uint32_t)directory;
	padded.attr.query.attach_type = BPF_CGROUP_DEVICE;
	padded.attr.query.prog_ids = (uint64_t)(uintptr_t)ids;
	padded.attr.query.prog_cnt = MAX_ATTACHED;
	long status = rt_sys(bpf, BPF_PROG_QUERY, &padded, sizeof(padded));
	if (status < 0)
		return (int)status;
	for (uint32_t i = 0; i < padded.attr.query.prog_cnt && i < MAX_ATTACHED; i++)
		if (ids[i] == id)
			return 0;
	return -ESRCH;
}

int rt_device_program(struct rt_context *context, const struct rt_op_device_program *op)
{
	if (op->program.length % INSTRUCTION_SIZE != 0)
		return rt_fail(context, "bpf", -EINVAL);
	RT_CLEANUP_FD int directory =
		rt_open_how(AT_FDCWD, op->directory.data, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, 0);
	if (directory < 0)
		return rt_fail(context, "openat2", directory);
	RT_CLEANUP_FD int program = load(&op->program);
	if (program < 0)
		return rt_fail(context, "bpf", program);
	union padded_attr padded = {.bytes = {0}};
	padded.attr.target_fd = (uint32_t)directory;
	padded.attr.attach_bpf_fd = (uint32_t)program;
	padded.attr.attach_type = BPF_CGROUP_DEVICE;
	padded.attr.attach_flags = BPF_F_ALLOW_MULTI;
	long status = rt_sys(bpf, BPF_PROG_ATTACH, &padded, sizeof(padded));
	uint32_t id;
	if (status >= 0)
		status = program_id(program, &id);
	if (status >= 0)
		status = verify(directory, id);
	return status < 0 ? rt_fail(context, "bpf", status) : 0;
}
