/* SPDX-License-Identifier: MIT */
/*
 * Every register survives a handler that runs between two instructions: a
 * loop holds known values in general and vector registers while a timer's
 * signals come, whose handler destroys what it can.  The handler also sees
 * the values in its context.
 */
#include "harness.h"
#include "child.h"
#include <stdint.h>
#include <sys/time.h>
#include <ucontext.h>

static volatile sig_atomic_t signals, seen;
static volatile int stop;

#if defined(__x86_64__)
#define PATTERN 0x1111111111111111UL
static void destroy(void)
{
	__asm__ volatile("xor %%eax,%%eax; mov %%rax,%%rcx; mov %%rax,%%rdx; mov %%rax,%%rsi; mov %%rax,%%rdi; mov %%rax,%%r8; mov %%rax,%%r9; mov %%rax,%%r10; mov %%rax,%%r11;"
		"pxor %%xmm0,%%xmm0; pxor %%xmm1,%%xmm1; pxor %%xmm7,%%xmm7; pxor %%xmm8,%%xmm8; pxor %%xmm15,%%xmm15; std; cld; stc" ::: "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc", "xmm0", "xmm1", "xmm7", "xmm8", "xmm15");
}
/* 0 if all are as they were, after n rounds or `stop'. */
static long loop(volatile int *flag)
{
	long bad;

	__asm__ volatile(
		"mov %[flag],%%rdi; sub $256,%%rsp; push %%rbx; push %%rbp\n"
		"movabs $0x1111111111111111,%%rax; mov %%rax,%%rbx; add %%rax,%%rbx; mov %%rbx,%%rcx; add %%rax,%%rcx; mov %%rcx,%%rdx; add %%rax,%%rdx\n"
		"mov %%rdx,%%rsi; add %%rax,%%rsi; mov %%rsi,%%rbp; add %%rax,%%rbp; mov %%rbp,%%r8; add %%rax,%%r8; mov %%r8,%%r9; add %%rax,%%r9\n"
		"mov %%r9,%%r10; add %%rax,%%r10; mov %%r10,%%r11; add %%rax,%%r11; mov %%r11,%%r12; add %%rax,%%r12; mov %%r12,%%r13; add %%rax,%%r13\n"
		"mov %%r13,%%r14; add %%rax,%%r14; mov %%r14,%%r15; add %%rax,%%r15\n"
		"movq %%rax,%%xmm0; movq %%rbx,%%xmm1; movq %%rcx,%%xmm7; movq %%rdx,%%xmm8; movq %%rsi,%%xmm15; fld1; fldpi\n"
		"1: cmpl $0,(%%rdi); je 1b\n"
		/* compare without using others' values */
		"push %%rax; movabs $0x2222222222222222,%%rax; cmp %%rax,%%rbx; pop %%rax; jne 9f\n"
		"push %%rbx; add %%rax,%%rbx; cmp %%rbx,%%rcx; pop %%rbx; jne 9f\n"
		"push %%rcx; add %%rax,%%rcx; cmp %%rcx,%%rdx; pop %%rcx; jne 9f\n"
		"push %%rdx; add %%rax,%%rdx; cmp %%rdx,%%rsi; pop %%rdx; jne 9f\n"
		"push %%rsi; add %%rax,%%rsi; cmp %%rsi,%%rbp; pop %%rsi; jne 9f\n"
		"push %%rbp; add %%rax,%%rbp; cmp %%rbp,%%r8; pop %%rbp; jne 9f\n"
		"push %%r8; add %%rax,%%r8; cmp %%r8,%%r9; pop %%r8; jne 9f\n"
		"push %%r9; add %%rax,%%r9; cmp %%r9,%%r10; pop %%r9; jne 9f\n"
		"push %%r10; add %%rax,%%r10; cmp %%r10,%%r11; pop %%r10; jne 9f\n"
		"push %%r11; add %%rax,%%r11; cmp %%r11,%%r12; pop %%r11; jne 9f\n"
		"push %%r12; add %%rax,%%r12; cmp %%r12,%%r13; pop %%r12; jne 9f\n"
		"push %%r13; add %%rax,%%r13; cmp %%r13,%%r14; pop %%r13; jne 9f\n"
		"push %%r14; add %%rax,%%r14; cmp %%r14,%%r15; pop %%r14; jne 9f\n"
		"movq %%xmm0,%%r15; cmp %%r15,%%rax; jne 9f\n"
		"movq %%xmm1,%%r15; cmp %%r15,%%rbx; jne 9f\n"
		"movq %%xmm7,%%r15; cmp %%r15,%%rcx; jne 9f\n"
		"movq %%xmm8,%%r15; cmp %%r15,%%rdx; jne 9f\n"
		"movq %%xmm15,%%r15; cmp %%r15,%%rsi; jne 9f\n"
		"fldpi; fcomip; fstp %%st; jne 8f; fld1; fcomip; fstp %%st; jne 9f\n"
		"pop %%rbp; pop %%rbx; add $256,%%rsp; xor %%eax,%%eax; jmp 7f\n"
		"8: fstp %%st\n"
		"9: pop %%rbp; pop %%rbx; add $256,%%rsp; mov $1,%%eax\n"
		"7:\n"
		: "=a"(bad) : [flag] "r"(flag)
		: "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc", "xmm0", "xmm1", "xmm7", "xmm8", "xmm15");
	return bad;
}
static int shows(ucontext_t *uc)
{
	greg_t *g = uc->uc_mcontext.gregs;

	return (unsigned long)g[REG_RAX] == PATTERN && (unsigned long)g[REG_RBX] == 2 * PATTERN && (unsigned long)g[REG_R15] == 14 * PATTERN && uc->uc_mcontext.fpregs;
}
#elif defined(__aarch64__)
#define PATTERN 0x0101010101010101UL
static void destroy(void)
{
	__asm__ volatile("mov x0,#0; mov x1,#0; mov x2,#0; mov x8,#0; mov x9,#0; mov x16,#0; mov x17,#0; movi v0.2d,#0; movi v1.2d,#0; movi v8.2d,#0; movi v31.2d,#0; cmp x0,#1"
		::: "x0", "x1", "x2", "x8", "x9", "x16", "x17", "v0", "v1", "v31", "memory", "cc");
}
static long loop(volatile int *flag)
{
	long bad;

	__asm__ volatile(
		"mov x0,%[flag]\n"
		"movz x1,#0x0101; movk x1,#0x0101,lsl #16; movk x1,#0x0101,lsl #32; movk x1,#0x0101,lsl #48\n"
		"add x2,x1,x1; add x3,x2,x1; add x4,x3,x1; add x5,x4,x1; add x6,x5,x1; add x7,x6,x1; add x8,x7,x1; add x9,x8,x1; add x10,x9,x1\n"
		"add x11,x10,x1; add x12,x11,x1; add x13,x12,x1; add x14,x13,x1; add x15,x14,x1; add x16,x15,x1; add x17,x16,x1\n"
		"add x20,x17,x1; add x21,x20,x1; add x22,x21,x1; add x23,x22,x1; add x24,x23,x1; add x25,x24,x1; add x26,x25,x1; add x27,x26,x1; add x28,x27,x1\n"
		"dup v0.2d,x1; dup v1.2d,x2; dup v8.2d,x8; dup v16.2d,x16; dup v31.2d,x28\n"
		"1: ldr w30,[x0]; cbz w30,1b\n"
		"mov x0,#0\n"
		"sub x30,x2,x1; cmp x30,x1; cinc x0,x0,ne; sub x30,x3,x2; cmp x30,x1; cinc x0,x0,ne; sub x30,x4,x3; cmp x30,x1; cinc x0,x0,ne\n"
		"sub x30,x5,x4; cmp x30,x1; cinc x0,x0,ne; sub x30,x6,x5; cmp x30,x1; cinc x0,x0,ne; sub x30,x7,x6; cmp x30,x1; cinc x0,x0,ne\n"
		"sub x30,x8,x7; cmp x30,x1; cinc x0,x0,ne; sub x30,x9,x8; cmp x30,x1; cinc x0,x0,ne; sub x30,x10,x9; cmp x30,x1; cinc x0,x0,ne\n"
		"sub x30,x11,x10; cmp x30,x1; cinc x0,x0,ne; sub x30,x12,x11; cmp x30,x1; cinc x0,x0,ne; sub x30,x13,x12; cmp x30,x1; cinc x0,x0,ne\n"
		"sub x30,x14,x13; cmp x30,x1; cinc x0,x0,ne; sub x30,x15,x14; cmp x30,x1; cinc x0,x0,ne; sub x30,x16,x15; cmp x30,x1; cinc x0,x0,ne\n"
		"sub x30,x17,x16; cmp x30,x1; cinc x0,x0,ne; sub x30,x20,x17; cmp x30,x1; cinc x0,x0,ne; sub x30,x21,x20; cmp x30,x1; cinc x0,x0,ne\n"
		"sub x30,x22,x21; cmp x30,x1; cinc x0,x0,ne; sub x30,x23,x22; cmp x30,x1; cinc x0,x0,ne; sub x30,x24,x23; cmp x30,x1; cinc x0,x0,ne\n"
		"sub x30,x25,x24; cmp x30,x1; cinc x0,x0,ne; sub x30,x26,x25; cmp x30,x1; cinc x0,x0,ne; sub x30,x27,x26; cmp x30,x1; cinc x0,x0,ne\n"
		"sub x30,x28,x27; cmp x30,x1; cinc x0,x0,ne\n"
		"umov x30,v0.d[1]; cmp x30,x1; cinc x0,x0,ne; umov x30,v1.d[0]; cmp x30,x2; cinc x0,x0,ne; umov x30,v8.d[1]; cmp x30,x8; cinc x0,x0,ne\n"
		"umov x30,v16.d[1]; cmp x30,x16; cinc x0,x0,ne; umov x30,v31.d[1]; cmp x30,x28; cinc x0,x0,ne\n"
		"mov %[bad],x0\n"
		: [bad] "=r"(bad) : [flag] "r"(flag)
		: "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "x30",
		  "v0", "v1", "v8", "v16", "v31", "memory", "cc");
	return bad;
}
static int shows(ucontext_t *uc)
{
	return uc->uc_mcontext.regs[1] == PATTERN && uc->uc_mcontext.regs[2] == 2 * PATTERN && uc->uc_mcontext.regs[28] == 26 * PATTERN;
}
#endif

static void handler(int sig, siginfo_t *si, void *context)
{
	(void)sig;
	(void)si;
	signals++;
	seen += shows(context);
	destroy();
	if (seen >= 50)
		stop = 1;
	if (signals >= 100000)
		stop = 1;
}

int main(void)
{
	struct sigaction sa = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
	struct itimerval it = { { 0, 2000 }, { 0, 2000 } }, off = { { 0, 0 }, { 0, 0 } };
	static char alt[65536];
	stack_t ss = { .ss_sp = alt, .ss_size = sizeof(alt) };
	long bad;

	plan(5);
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
	bad = loop(&stop);
	setitimer(ITIMER_REAL, &off, NULL);
	ok(bad == 0, "all registers as they were after %d signals", (int)signals);
	ok(seen >= 50, "whose contexts showed them (%d times)", (int)seen);
	sigaltstack(&ss, NULL);
	sa.sa_flags |= SA_ONSTACK;
	sigaction(SIGALRM, &sa, NULL);
	stop = signals = seen = 0;
	setitimer(ITIMER_REAL, &it, NULL);
	bad = loop(&stop);
	setitimer(ITIMER_REAL, &off, NULL);
	ok(bad == 0 && seen >= 50, "with an alternate stack, too");

	/* two processes at once, with different rounding modes and signals */
	pid_t pid[3];
	int sum = 0;

	for (int i = 0; i < 3; i++) {
		pid[i] = fork();
		if (!pid[i]) {
			stop = signals = seen = 0;
			setitimer(ITIMER_REAL, &it, NULL);
			_exit(loop(&stop) ? 1 : 0);
		}
	}
	for (int i = 0; i < 3; i++)
		sum += exit_of(pid[i]) != 0;
	ok(sum == 0, "three processes side by side");
	ok(in_child(({ stop = signals = seen = 0; setitimer(ITIMER_REAL, &it, NULL); pid_t p = fork(); long b; if (!p) { stop = 1; _exit((int)loop(&stop)); } b = loop(&stop); b || exit_of(p); })) == 0, "and across a fork");
	return done();
}
