/*
 * Prints the version of the installed libseccomp, then the system calls that it knows, one "TABLE NUMBER NAME" per
 * line. Build-time only.
 * The table others has the calls of architectures on which rt does not run, which profiles name, too: its numbers only
 * count.
 * The tables socketcall and ipc list the calls that i386 reaches through one multiplexing call each: their numbers in
 * libseccomp are negative, -100 and -200 minus the first argument of the multiplexer.
 */
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>

enum { LINEAR = 1024, X32_BIT = 0x40000000, ARM_PRIVATE = 0x0f0000, MIPS_END = 7000 };

static void scan(const char *table, uint32_t arch, int base, int step)
{
	for (int number = 0; number < LINEAR && (step > 0 || number < 100); number++) {
		char *name = seccomp_syscall_resolve_num_arch(arch, base + step * number);
		if (name != NULL)
			printf("%s %d %s\n", table, number, name);
		free(name);
	}
}

static void scan_others(void)
{
	static const uint32_t architectures[] = {SCMP_ARCH_MIPS, SCMP_ARCH_MIPS64, SCMP_ARCH_MIPS64N32,
		SCMP_ARCH_PARISC, SCMP_ARCH_PPC, SCMP_ARCH_PPC64LE, SCMP_ARCH_RISCV64, SCMP_ARCH_S390,
		SCMP_ARCH_S390X};
	int count = 0;
	for (size_t at = 0; at < sizeof(architectures) / sizeof(architectures[0]); at++) {
		for (int number = 0; number < MIPS_END; number++) {
			char *name = seccomp_syscall_resolve_num_arch(architectures[at], number);
			if (name != NULL)
				printf("others %d %s\n", count++, name);
			free(name);
		}
	}
}

int main(void)
{
	const struct scmp_version *version = seccomp_version();
	printf("%u.%u.%u\n", version->major, version->minor, version->micro);
	scan("x86_64", SCMP_ARCH_X86_64, 0, 1);
	scan("x32", SCMP_ARCH_X32, X32_BIT, 1);
	scan("x86", SCMP_ARCH_X86, 0, 1);
	scan("socketcall", SCMP_ARCH_X86, -100, -1);
	scan("ipc", SCMP_ARCH_X86, -200, -1);
	scan("aarch64", SCMP_ARCH_AARCH64, 0, 1);
	scan("arm", SCMP_ARCH_ARM, 0, 1);
	scan("armPrivate", SCMP_ARCH_ARM, ARM_PRIVATE, 1);
	scan_others();
	return 0;
}
