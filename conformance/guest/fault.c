/*
 * Runs a command and injects a fault into one system call. Traces the process and its children, each until it
 * executes a program other than the runtime's helper.
 *
 *   fault [--attach PID] [--at PROCESS CALL NTH kill:PROCESS|errno:N] [--log FILE] [--deadline SECONDS] -- COMMAND...
 *
 * PROCESS is 0 for the command's process, 0.1 for its first child, 0.1.2 for the second child of that; A for PID, an
 * existing process. CALL is the number of a system call, NTH its occurrence in that process, from 1. Instead of the
 * call, PROCESS (of kill) is killed, or the call fails. Without --at, FILE gets a line for each call: PROCESS CALL NTH
 * ARGUMENT ARGUMENT ARGUMENT [TEXT], with arguments in hexadecimal (the third of openat2: its flags) and TEXT the first
 * argument that looks like a path. Its last lines are `fault` if the call was reached, and `deadline` if all processes
 * were killed because the command did not end. The exit status is the command's, or 128 plus the signal.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if !defined(__x86_64__) && !defined(__aarch64__)
#error "it is not known how to replace a system call on this architecture"
#endif

enum { MAX_PROCESSES = 512, MAX_CALLS = 512, NAME_MAX_LENGTH = 64, BAD_CALL = 120, OWN_FAILURE = 121 };

struct process {
	pid_t pid;
	char name[NAME_MAX_LENGTH];
	unsigned children, calls[MAX_CALLS];
	bool began;
	bool counted; /* false until the command is executed */
	bool inside;  /* in a system call */
	bool failing; /* with the injected error */
	bool gone;
	bool thread;
	long number;
};

static struct process processes[MAX_PROCESSES];
static size_t process_count;
static FILE *log_file;
static char *at_process, *kill_process;
static unsigned at_nth;
static long at_call;
static int error_number;
static bool reached, ended, past_deadline;
/* Children that stopped before their parent's event announced them. */
static pid_t early[MAX_PROCESSES];
static size_t early_count;

static struct process *find(pid_t pid)
{
	for (size_t i = 0; i < process_count; i++)
		if (processes[i].pid == pid && !processes[i].gone)
			return &processes[i];
	return NULL;
}

static struct process *add(pid_t pid, const char *name, bool counted)
{
	if (process_count == MAX_PROCESSES)
		exit(OWN_FAILURE);
	struct process *process = &processes[process_count++];
	*process = (struct process){.pid = pid, .counted = counted};
	snprintf(process->name, sizeof(process->name), "%s", name);
	return process;
}

/* After the fault, system calls no longer matter until the command has ended: see stop_at_calls(). */
static void go_on(pid_t pid, int signal)
{
	struct process *process = find(pid);
	bool stops = !reached || ended || (process && process->failing);
	if (process && !stops)
		process->inside = false;
	ptrace(stops ? PTRACE_SYSCALL : PTRACE_CONT, pid, NULL, (void *)(long)signal);
}

/* The first argument that looks like a path. */
static void read_path(pid_t pid, const unsigned long *arguments, char *text, size_t size)
{
	for (int i = 0; i < 2; i++) {
		struct iovec here = {text, size - 1}, there = {(void *)arguments[i], size - 1};
		/* A string may end just before unmapped memory. */
		size_t to_page = 4096 - (arguments[i] & 4095);
		if (to_page < there.iov_len)
			there.iov_len = to_page;
		ssize_t length = arguments[i] < 4096 ? -1 : process_vm_readv(pid, &here, 1, &there, 1, 0);
		if (length <= 1 || text[0] != '/')
			continue;
		text[length] = '\0';
		for (char *at = text; *at; at++)
			if (*at <= ' ' || *at > '~')
				*at = '?';
		return;
	}
	text[0] = '\0';
}

/* The structure's first field, the flags, instead of its address. */
static void read_flags(pid_t pid, unsigned long *argument)
{
	unsigned long flags = 0;
	struct iovec here = {&flags, sizeof(flags)}, there = {(void *)*argument, sizeof(flags)};
	process_vm_readv(pid, &here, 1, &there, 1, 0);
	*argument = flags;
}

/* In a stop at the entry of a call: the kernel makes none. */
static bool skip_call(pid_t pid)
{
#ifdef __aarch64__
	int none = -1;
	struct iovec vector = {&none, sizeof(none)};
	return ptrace(PTRACE_SETREGSET, pid, (void *)NT_ARM_SYSTEM_CALL, &vector) == 0;
#else
	struct user_regs_struct registers;
	struct iovec vector = {&registers, sizeof(registers)};
	if (ptrace(PTRACE_GETREGSET, pid, (void *)NT_PRSTATUS, &vector) < 0)
		return false;
	registers.orig_rax = (unsigned long)-1;
	return ptrace(PTRACE_SETREGSET, pid, (void *)NT_PRSTATUS, &vector) == 0;
#endif
}

/* In a stop at the exit of a call. */
static void set_result(pid_t pid, long result)
{
	struct user_regs_struct registers;
	struct iovec vector = {&registers, sizeof(registers)};
	if (ptrace(PTRACE_GETREGSET, pid, (void *)NT_PRSTATUS, &vector) < 0)
		return;
#ifdef __aarch64__
	registers.regs[0] = (unsigned long)result;
#else
	registers.rax = (unsigned long)result;
#endif
	ptrace(PTRACE_SETREGSET, pid, (void *)NT_PRSTATUS, &vector);
}

static void enter(struct process *process, const struct __ptrace_syscall_info *info)
{
	process->inside = true;
	process->number = (long)info->entry.nr;
	process->began = true;
	if (!process->counted || process->number < 0 || process->number >= MAX_CALLS)
		return;
	unsigned nth = ++process->calls[process->number];
	if (log_file && !at_process) {
		unsigned long arguments[3] = {info->entry.args[0], info->entry.args[1], info->entry.args[2]};
		char text[160];
		if (process->number == SYS_openat2)
			read_flags(process->pid, &arguments[2]);
		read_path(process->pid, arguments, text, sizeof(text));
		fprintf(log_file, "%s %ld %u %lx %lx %lx %s\n", process->name, process->number, nth,
			arguments[0], arguments[1], arguments[2], text);
	}
	if (reached || !at_process || process->number != at_call || nth != at_nth ||
		strcmp(process->name, at_process) != 0)
		return;
	reached = true;
	if (kill_process) {
		for (size_t i = 0; i < process_count; i++)
			if (!processes[i].gone && strcmp(processes[i].name, kill_process) == 0)
				kill(processes[i].pid, SIGKILL);
		return;
	}
	if (skip_call(process->pid))
		process->failing = true;
}

static void leave(struct process *process)
{
	process->inside = false;
	if (!process->failing)
		return;
	process->failing = false;
	set_result(process->pid, -(long)error_number);
}

static bool runs_helper(pid_t pid)
{
	char link[32], target[64];
	snprintf(link, sizeof(link), "/proc/%d/exe", (int)pid);
	ssize_t length = readlink(link, target, sizeof(target) - 1);
	if (length < 0)
		return false;
	target[length] = '\0';
	return strncmp(target, "/memfd:rt-init", 14) == 0;
}

/* Stops tracing the process. */
static void forget(struct process *process)
{
	ptrace(PTRACE_DETACH, process->pid, NULL, NULL);
	process->gone = true;
}

static void at_exec(struct process *process)
{
	/* The command may be started through other programs, such as env(1). */
	if (strcmp(process->name, "0") == 0) {
		process->counted = true;
		memset(process->calls, 0, sizeof(process->calls));
	} else if (!runs_helper(process->pid)) {
		forget(process);
		return;
	}
	go_on(process->pid, 0);
}

static void at_birth(struct process *parent, bool thread)
{
	unsigned long number;
	char name[NAME_MAX_LENGTH + 16];
	if (ptrace(PTRACE_GETEVENTMSG, parent->pid, NULL, &number) == 0 && !find((pid_t)number)) {
		snprintf(name, sizeof(name), "%s.%u", parent->name, thread ? 0 : ++parent->children);
		struct process *child = add((pid_t)number, name, parent->counted && !thread);
		child->thread = thread;
		for (size_t i = 0; i < early_count; i++)
			if (early[i] == child->pid) {
				early[i] = 0;
				go_on(child->pid, 0);
			}
	}
	go_on(parent->pid, 0);
}

/* A call in which a process may wait forever for an absent peer. */
static bool waits(const struct process *process)
{
	return process->inside && !process->failing && process->number == SYS_accept4;
}

/* Also true if no process is left. */
static bool all_wait(void)
{
	for (size_t i = 0; i < process_count; i++)
		if (!processes[i].gone && !waits(&processes[i]))
			return false;
	return true;
}

static void on_alarm(int number)
{
	(void)number;
	past_deadline = true;
	for (size_t i = 0; i < process_count; i++)
		if (!processes[i].gone)
			kill(processes[i].pid, SIGKILL);
}

static void on_stop(pid_t pid, int status)
{
	struct process *process = find(pid);
	int signal = WSTOPSIG(status), event = status >> 16;
	if (!process) {
		if (early_count == MAX_PROCESSES)
			exit(OWN_FAILURE);
		early[early_count++] = pid;
		return;
	}
	if (signal == (SIGTRAP | 0x80)) {
		struct __ptrace_syscall_info info;
		long known = ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(info), &info);
		if (known > 0 && info.op == PTRACE_SYSCALL_INFO_ENTRY)
			enter(process, &info);
		else if (known > 0)
			leave(process);
		go_on(pid, 0);
	} else if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK || event == PTRACE_EVENT_CLONE) {
		char path[64];
		unsigned long number = 0;
		ptrace(PTRACE_GETEVENTMSG, pid, NULL, &number);
		snprintf(path, sizeof(path), "/proc/%d/task/%lu", (int)pid, number);
		at_birth(process, access(path, F_OK) == 0);
	} else if (event == PTRACE_EVENT_EXEC) {
		at_exec(process);
	} else if (event == PTRACE_EVENT_STOP) {
		/* A group-stop lasts; any other stop ends at once. */
		bool group = signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
		if (group && process->began)
			ptrace(PTRACE_LISTEN, pid, NULL, NULL);
		else
			go_on(pid, 0);
	} else {
		go_on(pid, signal);
	}
}

static int ended_with(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Interrupts processes that were running without syscall stops: their current call is restarted and then
 * seen. */
static void stop_at_calls(void)
{
	for (size_t i = 0; i < process_count; i++)
		if (!processes[i].gone)
			ptrace(PTRACE_INTERRUPT, processes[i].pid, NULL, NULL);
}

static int trace(pid_t command)
{
	int result = OWN_FAILURE;
	for (;;) {
		if (ended && all_wait())
			return result;
		int status;
		pid_t pid = waitpid(-1, &status, __WALL);
		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0)
			return result;
		if (WIFSTOPPED(status)) {
			on_stop(pid, status);
			continue;
		}
		struct process *process = find(pid);
		if (process)
			process->gone = true;
		if (pid == command) {
			ended = true;
			result = ended_with(status);
			if (reached)
				stop_at_calls();
		}
	}
}

static const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
			    PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;

static pid_t start(char **command)
{
	int gate[2];
	if (pipe2(gate, O_CLOEXEC) < 0)
		exit(OWN_FAILURE);
	pid_t pid = fork();
	if (pid == 0) {
		char byte;
		close(gate[1]);
		if (read(gate[0], &byte, 1) != 1)
			_exit(OWN_FAILURE);
		execvp(command[0], command);
		_exit(127);
	}
	if (pid < 0 || ptrace(PTRACE_SEIZE, pid, NULL, (void *)options) < 0)
		exit(OWN_FAILURE);
	add(pid, "0", false);
	if (write(gate[1], "", 1) != 1)
		exit(OWN_FAILURE);
	close(gate[0]);
	close(gate[1]);
	ptrace(PTRACE_INTERRUPT, pid, NULL, NULL);
	return pid;
}

int main(int argc, char **argv)
{
	pid_t attached = 0;
	unsigned deadline = 20;
	char **at = argv + 1;
	for (; *at && strcmp(*at, "--") != 0; at++) {
		if (strcmp(*at, "--attach") == 0 && at[1]) {
			attached = atoi(*++at);
		} else if (strcmp(*at, "--deadline") == 0 && at[1]) {
			deadline = (unsigned)atoi(*++at);
		} else if (strcmp(*at, "--log") == 0 && at[1]) {
			log_file = fopen(*++at, "we");
			if (!log_file)
				return OWN_FAILURE;
		} else if (strcmp(*at, "--at") == 0 && argv + argc - at > 4) {
			at_process = at[1];
			at_call = atoi(at[2]);
			at_nth = (unsigned)atoi(at[3]);
			if (strncmp(at[4], "kill:", 5) == 0)
				kill_process = at[4] + 5;
			else if (strncmp(at[4], "errno:", 6) == 0)
				error_number = atoi(at[4] + 6);
			else
				return BAD_CALL;
			at += 4;
		} else {
			return BAD_CALL;
		}
	}
	if (!*at || !at[1])
		return BAD_CALL;
	struct sigaction action = {.sa_handler = on_alarm};
	sigaction(SIGALRM, &action, NULL);
	alarm(deadline);
	if (attached != 0) {
		if (ptrace(PTRACE_SEIZE, attached, NULL, (void *)options) < 0)
			return OWN_FAILURE;
		add(attached, "A", true);
		ptrace(PTRACE_INTERRUPT, attached, NULL, NULL);
	}
	pid_t command = start(at + 1);
	int status = trace(command);
	if (log_file && past_deadline)
		fputs("deadline\n", log_file);
	if (log_file && reached)
		fputs("fault\n", log_file);
	if (log_file)
		fclose(log_file);
	return status;
}
