/*
 * Prints the version of the installed libseccomp, then the system calls that it knows, one "TABLE NUMBER NAME" per
 * line. Build-time only.
 * The table others has the calls of architectures on which rt does not run, which profiles name, too: its numbers only
 * count.
 */
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>

enum { LINEAR = 1024, MIPS_END = 7000 };

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

/* Arguments: for each table its name, libseccomp's name of the architecture, the first number, the step to the next. */
int main(int argc, char **argv)
{
	const struct scmp_version *version = seccomp_version();
	printf("%u.%u.%u\n", version->major, version->minor, version->micro);
	for (int at = 1; at + 3 < argc; at += 4)
		scan(argv[at], seccomp_arch_resolve_name(argv[at + 1]), atoi(argv[at + 2]),
			atoi(argv[at + 3]));
	scan_others();
	return 0;
}
