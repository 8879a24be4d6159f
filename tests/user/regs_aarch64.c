/* SPDX-License-Identifier: MIT */
/*
 * Register integrity on AArch64: every general register, SP, TPIDR_EL0, all of
 * V0-V31, FPCR and FPSR keep their values across every way into the kernel that
 * must not change them.  The ways are in main(); regs.h makes them happen.
 * Usage: regs_aarch64 [milliseconds per way (200)] [threads (4)]
 */
#include "regs.h"
#include <sys/auxv.h>

#ifndef __aarch64__
int main(void)
{
	puts("1..0 # SKIP not AArch64");
	return 0;
}
#else
struct block {
	uint64_t x[32];		/* x0-x30, sp (out only) */
	__uint128_t v[32];
	uint64_t fpcr, fpsr, tls;
	uint64_t sp_before;
};
enum mode { SPIN, SYSCALL, FAULT, IDREG, YIELD };

/* In: block.  Loads everything from it, does the mode's operation, stores everything to out. */
void trip(const struct block *in, struct block *out, long mode);
__asm__(
"	.text\n	.balign 16\n	.global trip\ntrip:\n"
"	sub sp, sp, #192\n"
"	stp x19, x20, [sp, #16]\n	stp x21, x22, [sp, #32]\n	stp x23, x24, [sp, #48]\n"
"	stp x25, x26, [sp, #64]\n	stp x27, x28, [sp, #80]\n	stp x29, x30, [sp, #96]\n"
"	stp d8, d9, [sp, #112]\n	stp d10, d11, [sp, #128]\n	stp d12, d13, [sp, #144]\n	stp d14, d15, [sp, #160]\n"
"	str x1, [sp]\n	str x2, [sp, #184]\n"
"	mov x3, sp\n	str x3, [x1, #792]\n"	/* out->sp_before */
"	add x3, x0, #256\n"
"	ldp q0, q1, [x3]\n	ldp q2, q3, [x3, #32]\n	ldp q4, q5, [x3, #64]\n	ldp q6, q7, [x3, #96]\n"
"	ldp q8, q9, [x3, #128]\n	ldp q10, q11, [x3, #160]\n	ldp q12, q13, [x3, #192]\n	ldp q14, q15, [x3, #224]\n"
"	ldp q16, q17, [x3, #256]\n	ldp q18, q19, [x3, #288]\n	ldp q20, q21, [x3, #320]\n	ldp q22, q23, [x3, #352]\n"
"	ldp q24, q25, [x3, #384]\n	ldp q26, q27, [x3, #416]\n	ldp q28, q29, [x3, #448]\n	ldp q30, q31, [x3, #480]\n"
"	ldr x4, [x0, #768]\n	msr fpcr, x4\n	ldr x4, [x0, #776]\n	msr fpsr, x4\n"
"	ldp x2, x3, [x0, #16]\n	ldp x4, x5, [x0, #32]\n	ldp x6, x7, [x0, #48]\n	ldp x8, x9, [x0, #64]\n"
"	ldp x10, x11, [x0, #80]\n	ldp x12, x13, [x0, #96]\n	ldp x14, x15, [x0, #112]\n	ldp x16, x17, [x0, #128]\n"
"	ldp x18, x19, [x0, #144]\n	ldp x20, x21, [x0, #160]\n	ldp x22, x23, [x0, #176]\n	ldp x24, x25, [x0, #192]\n"
"	ldp x26, x27, [x0, #208]\n	ldp x28, x29, [x0, #224]\n	ldr x30, [x0, #240]\n	ldp x0, x1, [x0]\n"
/* Dispatch with one register and the flags. */
"	str x30, [sp, #176]\n	ldr x30, [sp, #184]\n"
"	cmp x30, #1\n	b.eq 1f\n	b.hi 2f\n"
/* SPIN: x30 counts, restored at the end. */
"	mov x30, #20000\n"
"0:	subs x30, x30, #1\n	b.ne 0b\n	ldr x30, [sp, #176]\n	b 9f\n"
/* SYSCALL, FAULT, IDREG, YIELD: x0 is the result, x8 the number. */
"1:	ldr x30, [sp, #176]\n	svc #0\n	b 9f\n"
"2:	cmp x30, #3\n	ldr x30, [sp, #176]\n	b.eq 3f\n	b.hi 1b\n"
"	ldr x0, [x1]\n	b 9f\n"
"3:	mrs x0, id_aa64pfr0_el1\n"
"9:	str x0, [sp, #8]\n	ldr x0, [sp]\n"
"	stp x1, x2, [x0, #8]\n	stp x3, x4, [x0, #24]\n	stp x5, x6, [x0, #40]\n	stp x7, x8, [x0, #56]\n"
"	stp x9, x10, [x0, #72]\n	stp x11, x12, [x0, #88]\n	stp x13, x14, [x0, #104]\n	stp x15, x16, [x0, #120]\n"
"	stp x17, x18, [x0, #136]\n	stp x19, x20, [x0, #152]\n	stp x21, x22, [x0, #168]\n	stp x23, x24, [x0, #184]\n"
"	stp x25, x26, [x0, #200]\n	stp x27, x28, [x0, #216]\n	stp x29, x30, [x0, #232]\n"
"	mov x1, sp\n	str x1, [x0, #248]\n	ldr x1, [sp, #8]\n	str x1, [x0]\n"
"	mrs x1, fpcr\n	str x1, [x0, #768]\n	mrs x1, fpsr\n	str x1, [x0, #776]\n	mrs x1, tpidr_el0\n	str x1, [x0, #784]\n"
"	add x3, x0, #256\n"
"	stp q0, q1, [x3]\n	stp q2, q3, [x3, #32]\n	stp q4, q5, [x3, #64]\n	stp q6, q7, [x3, #96]\n"
"	stp q8, q9, [x3, #128]\n	stp q10, q11, [x3, #160]\n	stp q12, q13, [x3, #192]\n	stp q14, q15, [x3, #224]\n"
"	stp q16, q17, [x3, #256]\n	stp q18, q19, [x3, #288]\n	stp q20, q21, [x3, #320]\n	stp q22, q23, [x3, #352]\n"
"	stp q24, q25, [x3, #384]\n	stp q26, q27, [x3, #416]\n	stp q28, q29, [x3, #448]\n	stp q30, q31, [x3, #480]\n"
"	msr fpcr, xzr\n"
"	ldp x19, x20, [sp, #16]\n	ldp x21, x22, [sp, #32]\n	ldp x23, x24, [sp, #48]\n"
"	ldp x25, x26, [sp, #64]\n	ldp x27, x28, [sp, #80]\n	ldp x29, x30, [sp, #96]\n"
"	ldp d8, d9, [sp, #112]\n	ldp d10, d11, [sp, #128]\n	ldp d12, d13, [sp, #144]\n	ldp d14, d15, [sp, #160]\n"
"	add sp, sp, #192\n	ret\n");
_Static_assert(__builtin_offsetof(struct block, v) == 256 && __builtin_offsetof(struct block, fpcr) == 768 &&
	       __builtin_offsetof(struct block, sp_before) == 792, "offsets in trip()");

static uint64_t rnd(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

static void on_alarm(int sig)
{
	/* A handler may use every register. */
	__asm__ volatile("movi v0.16b, #0x55\n movi v8.16b, #0x55\n movi v15.16b, #0x55\n movi v31.16b, #0x55\n"
			 "msr fpcr, xzr\n msr fpsr, xzr" : : : "v0", "v8", "v15", "v31");
	(void)sig;
	regs_signals++;
}

static void report(struct regs_job *j, const char *what, uint64_t want, uint64_t got)
{
	if (!j->why[0])
		snprintf(j->why, sizeof(j->why), "%s was %#llx, is %#llx", what, (unsigned long long)want, (unsigned long long)got);
}

static void compare(struct regs_job *j, enum mode m, const struct block *in, const struct block *out, uint64_t tls)
{
	char what[16];
	/* x0 is the result of all but SPIN. */
	for (int i = m == SPIN ? 0 : 1; i < 31; i++)
		if (in->x[i] != out->x[i]) {
			snprintf(what, sizeof(what), "x%d", i);
			report(j, what, in->x[i], out->x[i]);
		}
	for (int i = 0; i < 32; i++)
		if (in->v[i] != out->v[i]) {
			snprintf(what, sizeof(what), "v%d", i);
			report(j, what, (uint64_t)in->v[i], (uint64_t)out->v[i]);
		}
	if (in->fpcr != out->fpcr)
		report(j, "fpcr", in->fpcr, out->fpcr);
	if (in->fpsr != out->fpsr)
		report(j, "fpsr", in->fpsr, out->fpsr);
	if (tls != out->tls)
		report(j, "tpidr_el0", tls, out->tls);
	if (out->sp_before != out->x[31])
		report(j, "sp", out->sp_before, out->x[31]);
}

static void regs_watch(struct regs_job *j, uint64_t end)
{
	uint64_t seed = 0x9e3779b97f4a7c15ull * (uint64_t)(1 + j->n), tls;
	enum mode m = (enum mode)j->path->op;
	struct block in, out;
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	__asm__("mrs %0, tpidr_el0" : "=r"(tls));
	do {
		for (int i = 0; i < 31; i++)
			in.x[i] = rnd(&seed);
		for (int i = 0; i < 32; i++)
			in.v[i] = (__uint128_t)rnd(&seed) << 64 | rnd(&seed);
		in.fpcr = (rnd(&seed) & 3) << 22 | (rnd(&seed) & 1) << 24 | (rnd(&seed) & 1) << 25;
		in.fpsr = (rnd(&seed) & 0x9f) | (rnd(&seed) & 1) << 27;
		if (m == SYSCALL)
			in.x[8] = 172;		/* getpid */
		if (m == YIELD)
			in.x[8] = 124;
		if (m == FAULT) {
			madvise(page, 4096, MADV_DONTNEED);
			in.x[1] = (uint64_t)page;
		}
		trip(&in, &out, m);
		compare(j, m, &in, &out, tls);
		if (m == SYSCALL && out.x[0] != (uint64_t)getpid())
			report(j, "x0", (uint64_t)getpid(), out.x[0]);
		if (m == FAULT && out.x[0])
			report(j, "x0", 0, out.x[0]);
		j->rounds++;
	} while (regs_go_on(j, end));
	munmap(page, 4096);
}

int main(int argc, char **argv)
{
	static const struct regs_path paths[] = {
		{ "timer interrupts", SPIN, NULL, 0 },
		{ "device interrupts and kernel threads", SPIN, regs_device, 0 },
		{ "invalidated translations", SPIN, regs_shootdown, 0 },
		{ "IPIs that wake", SPIN, regs_wake, 0 },
		{ "switches to other address spaces", SPIN, regs_processes, 0 },
		{ "system calls", SYSCALL, NULL, 0 },
		{ "page faults", FAULT, NULL, 0 },
		{ "page faults while others unmap", FAULT, regs_shootdown, 0 },
		{ "reads of ID registers", IDREG, NULL, 0 },
		{ "sched_yield", YIELD, NULL, 0 },
		{ "signals and the return from them", SPIN, NULL, 1 },
		{ "signals in system calls", SYSCALL, NULL, 1 },
		{ "signals in page faults", FAULT, NULL, 1 },
	};

	return regs_main(argc, argv, paths, sizeof(paths) / sizeof(paths[0]), on_alarm);
}
#endif
