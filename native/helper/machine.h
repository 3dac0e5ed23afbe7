/* All the assembly: the registers of a system call, and the texts of rt_clone (clone.c) and _start (freestanding.c). */
#ifndef RT_MACHINE_H
#define RT_MACHINE_H

#if defined(__x86_64__)

#define RT_CLONE_ASSEMBLY             \
	".globl rt_clone\n"           \
	".type rt_clone, @function\n" \
	"rt_clone:\n"                 \
	"\tmov %rcx, %r8\n"           \
	"\tmov $435, %eax\n"          \
	"\tsyscall\n"                 \
	"\ttest %rax, %rax\n"         \
	"\tjz 1f\n"                   \
	"\tret\n"                     \
	"1:\tmov %r8, %rdi\n"         \
	"\tand $-16, %rsp\n"          \
	"\tcall *%rdx\n"              \
	"\tud2\n"                     \
	".size rt_clone, . - rt_clone\n"

#define RT_START_ASSEMBLY       \
	".globl _start\n"       \
	"_start:\n"             \
	"\txor %ebp, %ebp\n"    \
	"\tmov %rsp, %rdi\n"    \
	"\tand $-16, %rsp\n"    \
	"\tcall rt_init_main\n" \
	"\tud2\n"

static inline long rt_machine_call(long number, long a, long b, long c, long d, long e, long f)
{
	long result;
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

#elif defined(__aarch64__)

#define RT_CLONE_ASSEMBLY             \
	".globl rt_clone\n"           \
	".type rt_clone, %function\n" \
	"rt_clone:\n"                 \
	"\tmov x8, #435\n"            \
	"\tsvc #0\n"                  \
	"\tcbz x0, 1f\n"              \
	"\tret\n"                     \
	"1:\tmov x0, x3\n"            \
	"\tblr x2\n"                  \
	"\tbrk #0\n"                  \
	".size rt_clone, . - rt_clone\n"

#define RT_START_ASSEMBLY     \
	".globl _start\n"     \
	"_start:\n"           \
	"\tmov x29, #0\n"     \
	"\tmov x30, #0\n"     \
	"\tmov x0, sp\n"      \
	"\tbl rt_init_main\n" \
	"\tbrk #0\n"

static inline long rt_machine_call(long number, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;
	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
}

#elif defined(__riscv) && __riscv_xlen == 64

#define RT_CLONE_ASSEMBLY             \
	".globl rt_clone\n"           \
	".type rt_clone, @function\n" \
	"rt_clone:\n"                 \
	"\tli a7, 435\n"              \
	"\tecall\n"                   \
	"\tbeqz a0, 1f\n"             \
	"\tret\n"                     \
	"1:\tmv a0, a3\n"             \
	"\tjalr a2\n"                 \
	"\tebreak\n"                  \
	".size rt_clone, . - rt_clone\n"

/* The linker addresses data relative to gp. */
#define RT_START_ASSEMBLY              \
	".globl _start\n"              \
	"_start:\n"                    \
	".option push\n"               \
	".option norelax\n"            \
	"\tla gp, __global_pointer$\n" \
	".option pop\n"                \
	"\tli s0, 0\n"                 \
	"\tmv a0, sp\n"                \
	"\tandi sp, sp, -16\n"         \
	"\tcall rt_init_main\n"        \
	"\tebreak\n"

static inline long rt_machine_call(long number, long a, long b, long c, long d, long e, long f)
{
	register long a7 __asm__("a7") = number;
	register long a0 __asm__("a0") = a;
	register long a1 __asm__("a1") = b;
	register long a2 __asm__("a2") = c;
	register long a3 __asm__("a3") = d;
	register long a4 __asm__("a4") = e;
	register long a5 __asm__("a5") = f;
	__asm__ volatile("ecall"
			 : "+r"(a0)
			 : "r"(a7), "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5)
			 : "memory");
	return a0;
}

#else
#error "rt knows x86_64, aarch64 and riscv64"
#endif

#endif
