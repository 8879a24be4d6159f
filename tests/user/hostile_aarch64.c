/* SPDX-License-Identifier: MIT */
/*
 * What an AArch64 program must not be able to do: each attempt runs in a child,
 * which must die of the right signal with the right si_code and address, and
 * the machine must go on.  Expectations are Linux's.
 *
 * With the argument "semihosting" it also tries the emulator's door
 * (HLT 0xf000), which under qemu-user is open by design.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#ifndef __aarch64__
int main(void)
{
	puts("1..0 # SKIP not AArch64");
	return 0;
}
#else
static int tests, failed;
static struct result { int sig, code; uint64_t addr; } *shared;

static void ok(int good, const char *what)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++tests, what);
	failed += !good;
}

static void on_fatal(int sig, siginfo_t *si, void *uc)
{
	(void)uc;
	*shared = (struct result){ sig, si->si_code, (uint64_t)si->si_addr };
	_exit(0);
}

enum { ANY = -1 };
static void attempt(const char *what, void (*fn)(uint64_t), uint64_t arg, int sig, int code, uint64_t addr, int check_addr)
{
	*shared = (struct result){ 0 };
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		static char stack[65536];
		stack_t ss = { .ss_sp = stack, .ss_size = sizeof(stack) };
		struct sigaction sa = { .sa_sigaction = on_fatal, .sa_flags = SA_SIGINFO | SA_ONSTACK };
		sigaltstack(&ss, NULL);
		sigaction(SIGILL, &sa, NULL);
		sigaction(SIGSEGV, &sa, NULL);
		sigaction(SIGBUS, &sa, NULL);
		sigaction(SIGTRAP, &sa, NULL);
		fn(arg);
		_exit(1);
	}
	int status = -1;
	waitpid(pid, &status, 0);
	int good = status == 0 && shared->sig == sig && (code == ANY || shared->code == code) && (!check_addr || shared->addr == addr);
	ok(good, what);
	if (!good)
		printf("# status %#x signal %d code %d addr %#llx; wanted %d %d %#llx\n", status, shared->sig, shared->code,
		       (unsigned long long)shared->addr, sig, code, (unsigned long long)addr);
}

#define INSN(name, text) static void name(uint64_t a) { __asm__ volatile(text : : "r"(a) : "memory", "x0", "x1"); }
INSN(i_udf, ".inst 0\n// %0")
INSN(i_hvc, ".inst 0xd4000002 // %0")
INSN(i_smc, ".inst 0xd4000003 // %0")
INSN(i_hlt, "hlt #1 // %0")
INSN(i_semihosting, "mov x0, #0x18\n mov x1, #0\n hlt #0xf000 // %0")
INSN(i_eret, "eret // %0")
INSN(i_brk, "brk #0x123 // %0")
INSN(i_daif, "msr daifset, #2 // %0")
INSN(i_spsel, "msr spsel, #0 // %0")
INSN(i_sctlr, "mrs x0, sctlr_el1 // %0")
INSN(i_ttbr, "msr ttbr0_el1, %0")
INSN(i_vbar, "msr vbar_el1, %0")
INSN(i_tpidr1, "mrs x0, tpidr_el1 // %0")
INSN(i_tlbi, "tlbi vmalle1 // %0")
INSN(i_iciallu, "ic iallu // %0")
INSN(i_dcisw, "dc isw, %0")
INSN(i_at, "at s1e1r, %0")
INSN(i_cntkctl, "msr cntkctl_el1, %0")
INSN(i_cntv, "msr cntv_ctl_el0, %0")
INSN(i_pmu, "mrs x0, pmcr_el0 // %0")
INSN(i_mdscr, "msr mdscr_el1, %0")
INSN(i_load, "ldr x0, [%0]")
INSN(i_store, "str xzr, [%0]")
INSN(i_jump, "br %0")
INSN(i_exclusive, "ldxr x0, [%0]")
INSN(i_misaligned_sp, "mov x1, sp\n add x1, x1, #4\n mov sp, x1\n ldr x0, [sp] // %0")
INSN(i_sve, ".inst 0x04e0e3e0 // cntd x0 // %0")

static void on_usr1(int sig, siginfo_t *si, void *ucp)
{
	ucontext_t *uc = ucp;
	(void)sig, (void)si;
	uc->uc_mcontext.pstate = 0x3c5;		/* EL1h, everything masked */
}
static void i_pstate(uint64_t a)
{
	struct sigaction sa = { .sa_sigaction = on_usr1, .sa_flags = SA_SIGINFO };
	(void)a;
	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
}
static void on_usr1_pc(int sig, siginfo_t *si, void *ucp)
{
	ucontext_t *uc = ucp;
	(void)sig, (void)si;
	uc->uc_mcontext.pc = 0xffffffff80000000;
}
static void i_sigpc(uint64_t a)
{
	struct sigaction sa = { .sa_sigaction = on_usr1_pc, .sa_flags = SA_SIGINFO };
	(void)a;
	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
}
static void i_sigreturn(uint64_t a)
{
	__asm__ volatile("mov sp, %0\n mov x8, #139\n svc #0" : : "r"(a) : "x0", "x8", "memory");
}

static long raw(long nr, long a)
{
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	__asm__ volatile("svc #0" : "+r"(x0) : "r"(x8) : "memory");
	return x0;
}

int main(int argc, char **argv)
{
	static const struct { const char *what; void (*fn)(uint64_t); } illegal[] = {
		{ "udf", i_udf }, { "hvc", i_hvc }, { "smc", i_smc }, { "hlt", i_hlt }, { "eret", i_eret },
		{ "msr daifset", i_daif }, { "msr spsel", i_spsel }, { "mrs sctlr_el1", i_sctlr }, { "msr ttbr0_el1", i_ttbr },
		{ "msr vbar_el1", i_vbar }, { "mrs tpidr_el1", i_tpidr1 }, { "tlbi", i_tlbi }, { "ic iallu", i_iciallu },
		{ "dc isw", i_dcisw }, { "at s1e1r", i_at }, { "msr cntkctl_el1", i_cntkctl }, { "msr cntv_ctl_el0", i_cntv },
		{ "mrs pmcr_el0", i_pmu }, { "msr mdscr_el1", i_mdscr },
	};
	setvbuf(stdout, NULL, _IOLBF, 0);
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (unsigned i = 0; i < sizeof(illegal) / sizeof(illegal[0]); i++)
		attempt(illegal[i].what, illegal[i].fn, 0, SIGILL, ILL_ILLOPC, 0, 0);
	if (argc > 1 && strcmp(argv[1], "semihosting") == 0)
		attempt("the emulator's door", i_semihosting, 0, SIGILL, ILL_ILLOPC, 0, 0);
	if (!(getauxval(AT_HWCAP) & 1 << 22))
		attempt("an SVE instruction without HWCAP_SVE", i_sve, 0, SIGILL, ILL_ILLOPC, 0, 0);
	attempt("brk", i_brk, 0, SIGTRAP, TRAP_BRKPT, 0, 0);
	static const uint64_t bad[] = { 0, 8, 0xffff000000000000, 0xffff800009000000, 0xffffffff80000000, 0xfffffffffffffff8, (uint64_t)1 << 48, (uint64_t)1 << 52 };
	char what[64];
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(what, sizeof(what), "load from %#llx", (unsigned long long)bad[i]);
		attempt(what, i_load, bad[i], SIGSEGV, SEGV_MAPERR, bad[i], 1);
		snprintf(what, sizeof(what), "store to %#llx", (unsigned long long)bad[i]);
		attempt(what, i_store, bad[i], SIGSEGV, SEGV_MAPERR, bad[i], 1);
		snprintf(what, sizeof(what), "jump to %#llx", (unsigned long long)bad[i]);
		attempt(what, i_jump, bad[i], SIGSEGV, SEGV_MAPERR, bad[i], 1);
	}
	char *page = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	attempt("store to a read-only page", i_store, (uint64_t)page, SIGSEGV, SEGV_ACCERR, (uint64_t)page, 1);
	attempt("jump to a page without PROT_EXEC", i_jump, (uint64_t)page, SIGSEGV, SEGV_ACCERR, (uint64_t)page, 1);
	attempt("jump to an odd address", i_jump, (uint64_t)&main + 1, SIGBUS, BUS_ADRALN, (uint64_t)&main + 1, 1);
	attempt("exclusive load across 16 bytes", i_exclusive, (uint64_t)page + 12, SIGBUS, BUS_ADRALN, (uint64_t)page + 12, 1);
	/* QEMU does not emulate the check, on Linux or elsewhere. */
	pid_t pid = fork();
	if (pid == 0) {
		i_misaligned_sp(0);
		_exit(1);
	}
	int status = -1;
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 1)
		printf("ok %d - misaligned stack pointer # SKIP this CPU does not check\n", ++tests);
	else
		ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS, "misaligned stack pointer");
	attempt("PSTATE of EL1 in a signal frame", i_pstate, 0, SIGSEGV, ANY, 0, 0);
	attempt("kernel pc in a signal frame", i_sigpc, 0, SIGSEGV, ANY, 0, 0);
	attempt("sigreturn with the stack nowhere", i_sigreturn, 0x100, SIGSEGV, ANY, 0, 0);
	attempt("sigreturn with the stack in the kernel", i_sigreturn, 0xffff000040000000, SIGSEGV, ANY, 0, 0);
	static const long numbers[] = { -1, 0x7fffffff, 0x80000000, 100000, 4095 };
	for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		snprintf(what, sizeof(what), "system call %ld", numbers[i]);
		ok(raw(numbers[i], 0) == -ENOSYS, what);
	}
	ok(raw(SYS_write, -1) == -EBADF, "write to fd -1");
	static const uint64_t ptrs[] = { 1, 0xffff000040000000, 0xffffffff80000000, (uint64_t)1 << 48, ((uint64_t)1 << 48) - 1, ~(uint64_t)0 };
	for (unsigned i = 0; i < sizeof(ptrs) / sizeof(ptrs[0]); i++) {
		int fds[2];
		if (pipe(fds))
			return 1;
		snprintf(what, sizeof(what), "write(2) from %#llx", (unsigned long long)ptrs[i]);
		ok(syscall(SYS_write, fds[1], ptrs[i], 16) == -1 && errno == EFAULT, what);
		syscall(SYS_write, fds[1], what, 16);
		snprintf(what, sizeof(what), "read(2) to %#llx", (unsigned long long)ptrs[i]);
		ok(syscall(SYS_read, fds[0], ptrs[i], 16) == -1 && errno == EFAULT, what);
		close(fds[0]);
		close(fds[1]);
	}
	printf("1..%d\n", tests);
	return failed != 0;
}
#endif
