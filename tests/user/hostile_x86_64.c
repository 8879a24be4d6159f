/* SPDX-License-Identifier: MIT */
/*
 * What an x86-64 program must not be able to do: each attempt runs in a child,
 * which must die of the right signal with the right si_code and address, and
 * the machine must go on.  Expectations are Linux's.
 */
#include "harness.h"
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

static struct result { int sig, code; uint64_t addr, rip; } *shared;
enum { ANY = -1, KERNEL = 0x80 };
static int under_emulation;

static void on_fatal(int sig, siginfo_t *si, void *ucp)
{
	ucontext_t *uc = ucp;

	*shared = (struct result){ sig, si->si_code, (uint64_t)si->si_addr, (uint64_t)uc->uc_mcontext.gregs[REG_RIP] };
	_exit(0);
}

static void attempt(const char *what, void (*fn)(uint64_t), uint64_t arg, int sig, int code, uint64_t addr, int check_addr)
{
	int status = -1, good;
	pid_t pid;

	*shared = (struct result){ 0 };
	pid = fork();
	if (pid == 0) {
		static char stack[65536];
		stack_t ss = { .ss_sp = stack, .ss_size = sizeof(stack) };
		struct sigaction sa = { .sa_sigaction = on_fatal, .sa_flags = SA_SIGINFO | SA_ONSTACK };
		static const int signals[] = { SIGILL, SIGSEGV, SIGBUS, SIGTRAP, SIGFPE, SIGSYS };

		sigaltstack(&ss, NULL);
		for (unsigned i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
			sigaction(signals[i], &sa, NULL);
		fn(arg);
		_exit(1);
	}
	waitpid(pid, &status, 0);
	if (sig == SIGBUS && shared->sig == SIGSEGV && code == KERNEL && under_emulation)
		shared->sig = SIGBUS;	/* QEMU (7.2) raises #GP for what a CPU raises #SS for */
	good = status == 0 && shared->sig == sig && (code == ANY || shared->code == code) && (!check_addr || shared->addr == addr);
	if (!ok(good, "%s", what))
		printf("# status %#x signal %d code %d addr %#llx; wanted %d %d %#llx\n", status, shared->sig, shared->code,
		       (unsigned long long)shared->addr, sig, code, (unsigned long long)addr);
}

#define INSN(name, text) static void name(uint64_t a) { __asm__ volatile(text : : "r"(a) : "memory", "rax", "rcx", "rdx"); }
INSN(i_hlt, "hlt # %0")
INSN(i_cli, "cli # %0")
INSN(i_sti, "sti # %0")
INSN(i_in, "inb $0x60, %%al # %0")
INSN(i_out, "outb %%al, $0xf4 # %0")
INSN(i_outdx, "movw $0xe9, %%dx; outb %%al, %%dx # %0")
INSN(i_cr0, "mov %%cr0, %%rax # %0")
INSN(i_cr3, "mov %0, %%cr3")
INSN(i_cr4, "mov %%cr4, %%rax # %0")
INSN(i_cr8, "mov %%cr8, %%rax # %0")
INSN(i_db7, "mov %%db7, %%rax # %0")
INSN(i_rdmsr, "movl $0xc0000082, %%ecx; rdmsr # %0")
INSN(i_wrmsr, "movl $0xc0000082, %%ecx; wrmsr # %0")
INSN(i_lgdt, "lgdt (%%rsp) # %0")
INSN(i_lidt, "lidt (%%rsp) # %0")
INSN(i_ltr, "movw $0x40, %%ax; ltr %%ax # %0")
INSN(i_lldt, "xorl %%eax, %%eax; lldt %%ax # %0")
INSN(i_invlpg, "invlpg (%%rsp) # %0")
INSN(i_wbinvd, "wbinvd # %0")
INSN(i_invd, "invd # %0")
INSN(i_clts, "clts # %0")
INSN(i_swapgs, "swapgs # %0")
INSN(i_sysret, "sysretq # %0")
INSN(i_xsetbv, "xorl %%ecx, %%ecx; xorl %%eax, %%eax; xorl %%edx, %%edx; xsetbv # %0")
INSN(i_int20, "int $0x20 # %0")
INSN(i_intf0, "int $0xf0 # %0")
INSN(i_int8, "int $8 # %0")
INSN(i_int14, "int $14 # %0")
INSN(i_lcall, "movw $0x10, %%ax; movw %%ax, %%ds # %0")
INSN(i_ss0, "xorl %%eax, %%eax; movw %%ax, %%ss # %0")
INSN(i_ud2, "ud2 # %0")
INSN(i_div, "xorl %%ecx, %%ecx; xorl %%edx, %%edx; divl %%ecx # %0")
INSN(i_divover, "movl $1, %%ecx; movl $5, %%edx; divl %%ecx # %0")
INSN(i_int3, "int3 # %0")
INSN(i_load, "movq (%0), %%rax")
INSN(i_store, "movq %%rax, (%0)")
INSN(i_jump, "jmp *%0")
INSN(i_stackload, "movq %0, %%rsp; popq %%rax")
INSN(i_stackpush, "movq %0, %%rsp; pushq %%rax")
INSN(i_iret, "pushq $0x18; pushq %%rsp; pushfq; pushq $0x10; pushq %0; iretq")
INSN(i_far, "subq $16, %%rsp; movl $1f, (%%rsp); movw $0x10, 4(%%rsp); ljmp *(%%rsp); 1: # %0")
INSN(i_sse_align, "movaps 8(%0), %%xmm0")
INSN(i_tf, "pushfq; orl $0x100, (%%rsp); popfq; nop # %0")
INSN(i_fpdiv, "pushq $0x33b; fldcw (%%rsp); popq %%rax; fld1; fldz; fdivrp; fwait; nop # %0")
INSN(i_ssediv, "pushq $0x1d80; ldmxcsr (%%rsp); popq %%rax; pxor %%xmm0, %%xmm0; pcmpeqd %%xmm1, %%xmm1;"
     "cvtdq2pd %%xmm1, %%xmm1; divsd %%xmm0, %%xmm1 # %0")

static void overflow(uint64_t depth)
{
	volatile char frame[4096];

	frame[depth % 4096] = 0;
	if (depth < 1 << 20)
		overflow(depth + 1);
	frame[0]++;
}

static uint64_t poke_value;
static int poke_reg;
static void on_usr1(int sig, siginfo_t *si, void *ucp)
{
	ucontext_t *uc = ucp;

	(void)sig, (void)si;
	uc->uc_mcontext.gregs[poke_reg] = (greg_t)poke_value;
}
static void poke(int reg, uint64_t v)
{
	struct sigaction sa = { .sa_sigaction = on_usr1, .sa_flags = SA_SIGINFO };

	poke_reg = reg;
	poke_value = v;
	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
}
static void i_sigrip(uint64_t a) { poke(REG_RIP, a); }
static void i_sigrsp(uint64_t a) { poke(REG_RSP, a); }
static void i_sigreturn(uint64_t a)
{
	__asm__ volatile("movq %0, %%rsp; movl $15, %%eax; syscall" : : "r"(a) : "memory");
}
/* Flags of the kernel in a signal frame are ignored: IOPL and IF do not change. */
static void i_sigflags(uint64_t a)
{
	uint64_t flags;

	(void)a;
	poke(REG_EFL, 0x3000 | 0x20000 | 0x100000);
	__asm__ volatile("pushfq; popq %0" : "=r"(flags));
	if ((flags & 0x3000) == 0 && flags & 0x200)
		raise(SIGTRAP);		/* as it should be */
}

static long raw(long nr, long a, long b, long c)
{
	long ret;

	__asm__ volatile("syscall" : "=a"(ret) : "a"(nr), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
	return ret;
}

/* CPUID of QEMU's emulator says so in plain letters. */
static int emulated(void)
{
	unsigned a, b, c, d;

	__asm__("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(0x40000000), "c"(0));
	return b == 0x54474354 && c == 0x43544743;	/* "TCGTCGTCGTCG" */
}

int main(void)
{
	static const struct { const char *what; void (*fn)(uint64_t); } privileged[] = {
		{ "hlt", i_hlt }, { "cli", i_cli }, { "sti", i_sti }, { "in", i_in }, { "out", i_out }, { "out dx", i_outdx },
		{ "mov from cr0", i_cr0 }, { "mov to cr3", i_cr3 }, { "mov from cr4", i_cr4 }, { "mov from cr8", i_cr8 },
		{ "mov from db7", i_db7 }, { "rdmsr", i_rdmsr }, { "wrmsr", i_wrmsr }, { "lgdt", i_lgdt }, { "lidt", i_lidt },
		{ "ltr", i_ltr }, { "lldt", i_lldt }, { "invlpg", i_invlpg }, { "wbinvd", i_wbinvd }, { "invd", i_invd },
		{ "clts", i_clts }, { "swapgs", i_swapgs }, { "sysret", i_sysret },
		{ "int 0x20", i_int20 }, { "int 0xf0", i_intf0 }, { "int 8", i_int8 }, { "int 14", i_int14 },
		{ "a kernel selector in ds", i_lcall }, { "a null selector in ss", i_ss0 },
		{ "iret to the kernel's segments", i_iret }, { "far jump to the kernel's code segment", i_far },
	};
	static const uint64_t bad[] = { 0, 8, 0xffff800000000000, 0xffff888000000000, 0xffffffff80000000, 0xffffffff80200000,
		0xffffffffff5ff000, 0xfffffffffffff000, 0x7ffffffff000 };
	static const uint64_t odd[] = { (uint64_t)1 << 47, (uint64_t)1 << 48, (uint64_t)1 << 63, 0xffff7fffffffffff };
	static const long numbers[] = { -1, 0x7fffffff, 0x80000000, 100000, 4095, (long)1 << 32 };
	static const uint64_t ptrs[] = { 1, 0xffff800000000000, 0xffffffff80200000, (uint64_t)1 << 47, 0x7ffffffff000, 0x7fffffffefff,
		(uint64_t)1 << 63, ~(uint64_t)0 };
	char what[80], *page;
	unsigned a, c, d;

	setvbuf(stdout, NULL, _IOLBF, 0);
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	under_emulation = emulated();
	for (unsigned i = 0; i < sizeof(privileged) / sizeof(privileged[0]); i++)
		attempt(privileged[i].what, privileged[i].fn, 0, SIGSEGV, KERNEL, 0, 1);
	__asm__("cpuid" : "=a"(a), "=c"(c), "=d"(d) : "a"(1), "c"(0) : "ebx");
	if (c >> 27 & 1)
		attempt("xsetbv", i_xsetbv, 0, SIGSEGV, KERNEL, 0, 1);
	attempt("ud2", i_ud2, 0, SIGILL, ILL_ILLOPN, 0, 0);
	ok(shared->addr == shared->rip, "... with the instruction's address");
	attempt("division by zero", i_div, 0, SIGFPE, FPE_INTDIV, 0, 0);
	ok(shared->addr == shared->rip, "... with the instruction's address");
	attempt("division overflow", i_divover, 0, SIGFPE, FPE_INTDIV, 0, 0);
	attempt("int3", i_int3, 0, SIGTRAP, KERNEL, 0, 0);
	attempt("the trap flag", i_tf, 0, SIGTRAP, TRAP_TRACE, 0, 0);
	attempt("x87 division by zero, unmasked", i_fpdiv, 0, SIGFPE, FPE_FLTDIV, 0, 0);
	if (under_emulation)
		ok(1, "SSE division by zero, unmasked # SKIP QEMU does not raise #XM");
	else
		attempt("SSE division by zero, unmasked", i_ssediv, 0, SIGFPE, FPE_FLTDIV, 0, 0);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(what, sizeof(what), "load from %#llx", (unsigned long long)bad[i]);
		attempt(what, i_load, bad[i], SIGSEGV, SEGV_MAPERR, bad[i], 1);
		snprintf(what, sizeof(what), "store to %#llx", (unsigned long long)bad[i]);
		attempt(what, i_store, bad[i], SIGSEGV, SEGV_MAPERR, bad[i], 1);
		snprintf(what, sizeof(what), "jump to %#llx", (unsigned long long)bad[i]);
		attempt(what, i_jump, bad[i], SIGSEGV, SEGV_MAPERR, bad[i], 1);
		snprintf(what, sizeof(what), "signal frame with rip %#llx", (unsigned long long)bad[i]);
		attempt(what, i_sigrip, bad[i], SIGSEGV, SEGV_MAPERR, bad[i], 1);
	}
	for (unsigned i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		snprintf(what, sizeof(what), "load from non-canonical %#llx", (unsigned long long)odd[i]);
		attempt(what, i_load, odd[i], SIGSEGV, KERNEL, 0, 1);
		snprintf(what, sizeof(what), "jump to non-canonical %#llx", (unsigned long long)odd[i]);
		attempt(what, i_jump, odd[i], SIGSEGV, KERNEL, 0, 1);
		snprintf(what, sizeof(what), "pop from non-canonical %#llx", (unsigned long long)odd[i]);
		attempt(what, i_stackload, odd[i], SIGBUS, KERNEL, 0, 1);
		snprintf(what, sizeof(what), "signal frame with non-canonical rip %#llx", (unsigned long long)odd[i]);
		attempt(what, i_sigrip, odd[i], SIGSEGV, KERNEL, 0, 1);
	}
	attempt("push to the kernel", i_stackpush, 0xffff800000001000, SIGSEGV, SEGV_MAPERR, 0xffff800000000ff8, 1);
	page = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	attempt("store to a read-only page", i_store, (uint64_t)page, SIGSEGV, SEGV_ACCERR, (uint64_t)page, 1);
	attempt("jump to a page without PROT_EXEC", i_jump, (uint64_t)page, SIGSEGV, SEGV_ACCERR, (uint64_t)page, 1);
	attempt("misaligned movaps", i_sse_align, (uint64_t)page, SIGSEGV, KERNEL, 0, 1);
	attempt("stack overflow", overflow, 0, SIGSEGV, ANY, 0, 0);
	attempt("flags of the kernel in a signal frame", i_sigflags, 0, SIGTRAP, SI_TKILL, 0, 0);
	attempt("sigreturn with the stack nowhere", i_sigreturn, 0x100, SIGSEGV, ANY, 0, 0);
	attempt("sigreturn with the stack in the kernel", i_sigreturn, 0xffff888000001000, SIGSEGV, ANY, 0, 0);
	attempt("sigreturn with a non-canonical stack", i_sigreturn, (uint64_t)1 << 63, SIGSEGV, ANY, 0, 0);
	attempt("signal frame with the stack in the kernel", i_sigrsp, 0xffff888000001000, SIGSEGV, ANY, 0, 0);
	for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		ok(raw(numbers[i], 0, 0, 0) == (numbers[i] == (long)1 << 32 ? raw(0, 0, 0, 0) : -ENOSYS), "system call %ld", numbers[i]);
	ok(raw(SYS_write, -1, 0, 0) == -EBADF, "write to fd -1");
	for (unsigned i = 0; i < sizeof(ptrs) / sizeof(ptrs[0]); i++) {
		int fds[2];

		if (pipe(fds))
			bail("pipe");
		ok(raw(SYS_write, fds[1], (long)ptrs[i], 16) == -EFAULT, "write from %#llx", (unsigned long long)ptrs[i]);
		if (write(fds[1], what, 16) != 16)
			bail("write");
		ok(raw(SYS_read, fds[0], (long)ptrs[i], 16) == -EFAULT, "read to %#llx", (unsigned long long)ptrs[i]);
		close(fds[0]);
		close(fds[1]);
	}
	return done();
}
