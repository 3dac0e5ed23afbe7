// Generated from the kernel's headers by schema/build/kernel.ts; do not edit.

/** Opcodes of 32-bit arithmetic, jumps and loads (kernel: Documentation/bpf/standardization/instruction-set.rst). */
export const DEVICE_OPCODES = {
  load: 0x61, // BPF_LDX | BPF_MEM | BPF_W
  and: 0x54, // BPF_ALU | BPF_AND | BPF_K
  shiftRight: 0x74, // BPF_ALU | BPF_RSH | BPF_K
  move: 0xb4, // BPF_ALU | BPF_MOV | BPF_K
  moveRegister: 0xbc, // BPF_ALU | BPF_MOV | BPF_X
  jump: 0x5, // BPF_JMP | BPF_JA
  ifNot: 0x56, // BPF_JMP32 | BPF_JNE | BPF_K
  ifSet: 0x46, // BPF_JMP32 | BPF_JSET | BPF_K
  exit: 0x95, // BPF_JMP | BPF_EXIT
} as const;

/** Types of devices, and bits of access to them, in struct bpf_cgroup_dev_ctx. */
export const BPF_DEVCG_DEV_BLOCK = 1;
export const BPF_DEVCG_DEV_CHAR = 2;
export const BPF_DEVCG_ACC_MKNOD = 1;
export const BPF_DEVCG_ACC_READ = 2;
export const BPF_DEVCG_ACC_WRITE = 4;
