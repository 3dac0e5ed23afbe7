// Generated from the kernel's headers by schema/build/kernel.ts; do not edit.

/** The program header that names the loader (elf(5)). */
export const PT_INTERP = 3;

/** The architecture of a program. */
export const EM_386 = 3;
export const EM_MIPS = 8;
export const EM_PPC = 20;
export const EM_PPC64 = 21;
export const EM_S390 = 22;
export const EM_ARM = 40;
export const EM_X86_64 = 62;
export const EM_AARCH64 = 183;
export const EM_RISCV = 243;
export const EM_LOONGARCH = 258;
