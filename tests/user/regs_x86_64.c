/* SPDX-License-Identifier: MIT */
/*
 * Register integrity on x86-64: every general register, the flags, the FS and
 * GS bases, x87, MMX/SSE and AVX registers and their control words keep their
 * values across every way into the kernel that must not change them (system
 * calls: but rax, rcx, r11).  The ways are in main(); regs.h makes them happen.
 * Usage: regs_x86_64 [milliseconds per way (200)] [threads (4)]
 */
#include "regs.h"
#include <asm/prctl.h>
#include <stddef.h>
#include <sys/syscall.h>

struct block {
	uint64_t r[16];		/*   0 rax rcx rdx rbx rsp rbp rsi rdi r8-r15 */
	uint64_t flags;		/* 128 */
	uint32_t mxcsr;		/* 136 */
	uint16_t fcw, pad;	/* 140 */
	uint64_t gs_base;	/* 144 */
	uint64_t pad2;
	uint8_t ymm[16][32];	/* 160 */
	uint8_t st[8][16];	/* 672: 80 bits each */
	uint64_t touch;		/* 800: FAULT: an address to store to */
};
_Static_assert(offsetof(struct block, ymm) == 160 && offsetof(struct block, st) == 672 && offsetof(struct block, touch) == 800, "trip()");

enum mode { SPIN, SYSCALL, FAULT, YIELD };
static int avx;

/*
 * In: block.  Loads everything from it, does the mode's operation, stores
 * everything to out.  rsp and (as the place to remember out and mode) the
 * stack are not from the block.
 */
void trip(const struct block *in, struct block *out, long mode, long have_avx);
__asm__(
"	.text\n	.balign 16\n	.global trip\ntrip:\n"
"	pushq %rbx\n	pushq %rbp\n	pushq %r12\n	pushq %r13\n	pushq %r14\n	pushq %r15\n"
"	subq $72, %rsp\n"
"	movq %rsi, 0(%rsp)\n	movq %rdx, 8(%rsp)\n	movq %rcx, 16(%rsp)\n"
"	movq 800(%rdi), %rax\n	movq %rax, 24(%rsp)\n"
"	stmxcsr 32(%rsp)\n	fnstcw 36(%rsp)\n"
"	ldmxcsr 136(%rdi)\n	fninit\n	fldcw 140(%rdi)\n"
	".set i, 7\n	.rept 8\n	fldt 672+i*16(%rdi)\n	.set i, i-1\n	.endr\n"
"	testq %rcx, %rcx\n	jz 1f\n"
"	.irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n	vmovups 160+\\n*32(%rdi), %ymm\\n\n	.endr\n	jmp 2f\n"
"1:	.irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n	movups 160+\\n*32(%rdi), %xmm\\n\n	.endr\n"
"2:	movq 0(%rdi), %rax\n	movq 8(%rdi), %rcx\n	movq 16(%rdi), %rdx\n	movq 24(%rdi), %rbx\n"
"	movq 40(%rdi), %rbp\n	movq 48(%rdi), %rsi\n"
"	movq 64(%rdi), %r8\n	movq 72(%rdi), %r9\n	movq 80(%rdi), %r10\n	movq 88(%rdi), %r11\n"
"	movq 96(%rdi), %r12\n	movq 104(%rdi), %r13\n	movq 112(%rdi), %r14\n	movq 120(%rdi), %r15\n"
"	movq 128(%rdi), %rdi\n	pushq %rdi\n"	/* the flags; the dispatch below changes no register but rdi */
"	movq 16(%rsp), %rdi\n"
"	cmpq $1, %rdi\n	je 3f\n	cmpq $2, %rdi\n	je 4f\n	cmpq $3, %rdi\n	je 6f\n"
"	movl $2000, %edi\n	movq %rdi, 48(%rsp)\n	movq $0x123456789abcdef0, %rdi\n"
"	popfq\n	pushfq\n"
"5:	decq 48(%rsp)\n	jnz 5b\n	jmp 9f\n"	/* spin */
"3:	movq $39, %rax\n	movq $0x123456789abcdef0, %rdi\n	popfq\n	syscall\n	pushfq\n	jmp 8f\n"	/* getpid */
"4:	movq 32(%rsp), %rdi\n	popfq\n	movq $1, (%rdi)\n	pushfq\n	movq $0x123456789abcdef0, %rdi\n	jmp 9f\n"
"6:	movq $24, %rax\n	movq $0x123456789abcdef0, %rdi\n	popfq\n	syscall\n	pushfq\n	jmp 8f\n"
/* Behind the operation: flags are on the stack. */
"8:	xorl %ecx, %ecx\n	xorl %r11d, %r11d\n	xorl %eax, %eax\n"	/* what a system call may change */
"9:	movq %rdi, 56(%rsp)\n	movq 8(%rsp), %rdi\n"
"	movq %rax, 0(%rdi)\n	movq %rcx, 8(%rdi)\n	movq %rdx, 16(%rdi)\n	movq %rbx, 24(%rdi)\n"
"	movq %rbp, 40(%rdi)\n	movq %rsi, 48(%rdi)\n	movq %r8, 64(%rdi)\n	movq %r9, 72(%rdi)\n"
"	movq %r10, 80(%rdi)\n	movq %r11, 88(%rdi)\n	movq %r12, 96(%rdi)\n	movq %r13, 104(%rdi)\n"
"	movq %r14, 112(%rdi)\n	movq %r15, 120(%rdi)\n"
"	movq 56(%rsp), %rax\n	movq %rax, 56(%rdi)\n"
"	popq %rax\n	movq %rax, 128(%rdi)\n"
"	stmxcsr 136(%rdi)\n	fnstcw 140(%rdi)\n"
	".set i, 0\n	.rept 8\n	fstpt 672+i*16(%rdi)\n	.set i, i+1\n	.endr\n"
"	cmpq $0, 16(%rsp)\n	je 1f\n"
"	.irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n	vmovups %ymm\\n, 160+\\n*32(%rdi)\n	.endr\n	vzeroupper\n	jmp 2f\n"
"1:	.irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n	movups %xmm\\n, 160+\\n*32(%rdi)\n	.endr\n"
"2:	fninit\n	ldmxcsr 32(%rsp)\n	fldcw 36(%rsp)\n	cld\n"
"	addq $72, %rsp\n"
"	popq %r15\n	popq %r14\n	popq %r13\n	popq %r12\n	popq %rbp\n	popq %rbx\n	ret\n");

static uint64_t rnd(uint64_t *s)
{
	*s = *s * 6364136223846793005 + 1442695040888963407;
	return *s ^ *s >> 29;
}

static void fill(struct block *b, uint64_t *seed)
{
	memset(b, 0, sizeof(*b));
	for (int i = 0; i < 16; i++)
		b->r[i] = rnd(seed);
	b->flags = (rnd(seed) & 0x8c5) | 0x202;		/* CF PF... ZF SF OF; DF stays 0 */
	if (rnd(seed) & 1)
		b->flags |= 0x400;			/* DF */
	b->mxcsr = 0x1f80 | (rnd(seed) & 0xe03f);	/* rounding, flush to zero, sticky flags */
	b->fcw = 0x37f | (rnd(seed) & 0xc00);
	for (unsigned i = 0; i < sizeof(b->ymm); i++)
		(&b->ymm[0][0])[i] = (uint8_t)rnd(seed);
	for (int i = 0; i < 8; i++) {
		uint64_t m = rnd(seed) | (uint64_t)1 << 63;
		uint16_t e = (uint16_t)(0x3f00 + (rnd(seed) & 0xff));

		memcpy(b->st[i], &m, 8);
		memcpy(b->st[i] + 8, &e, 2);
	}
}

static int same(const struct block *in, const struct block *out, enum mode m, char *why, size_t max)
{
	static const char *const regs[16] = { "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15" };
	int call = m == SYSCALL || m == YIELD;

	for (int i = 0; i < 16; i++) {
		uint64_t want = i == 7 ? 0x123456789abcdef0 : in->r[i];

		if (i == 4)
			continue;
		if (call && (i == 0 || i == 1 || i == 11))
			want = 0;
		if (out->r[i] != want) {
			snprintf(why, max, "%s is %#llx, was %#llx", regs[i], (unsigned long long)out->r[i], (unsigned long long)want);
			return 0;
		}
	}
	if (((out->flags ^ in->flags) & 0xcd5) != 0) {
		snprintf(why, max, "flags are %#llx, were %#llx", (unsigned long long)out->flags, (unsigned long long)in->flags);
		return 0;
	}
	if (out->mxcsr != in->mxcsr || out->fcw != in->fcw) {
		snprintf(why, max, "mxcsr %#x was %#x, fcw %#x was %#x", out->mxcsr, in->mxcsr, out->fcw, in->fcw);
		return 0;
	}
	for (int i = 0; i < 16; i++)
		if (memcmp(out->ymm[i], in->ymm[i], avx ? 32 : 16)) {
			snprintf(why, max, "%s%d", avx ? "ymm" : "xmm", i);
			return 0;
		}
	for (int i = 0; i < 8; i++)
		if (memcmp(out->st[i], in->st[i], 10)) {
			snprintf(why, max, "st%d", i);
			return 0;
		}
	return 1;
}

static void on_signal(int sig)
{
	/* A handler that uses everything. */
	struct block b, out;
	uint64_t seed = 99 + (uint64_t)regs_signals;

	fill(&b, &seed);
	trip(&b, &out, SYSCALL, avx);
	regs_signals++;
	(void)sig;
}

static void regs_watch(struct regs_job *j, uint64_t end)
{
	uint64_t seed = 12345 + 977 * j->n + (uint64_t)j->path->op, base = 0, got;
	enum mode m = (enum mode)j->path->op;
	static __thread uint64_t mine;
	struct block in, out;
	char *page = NULL;

	syscall(SYS_arch_prctl, ARCH_SET_GS, base = 0x10000000 + 0x1000 * (uint64_t)j->n);
	mine = 7000 + j->n;
	while (regs_go_on(j, end)) {
		for (int k = 0; k < 20 && !j->why[0]; k++) {
			fill(&in, &seed);
			if (m == FAULT) {
				page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
				in.touch = (uint64_t)page;
			}
			trip(&in, &out, (long)m, avx);
			if (page)
				munmap(page, 4096);
			page = NULL;
			if (!same(&in, &out, m, j->why, sizeof(j->why)))
				break;
			j->rounds++;
		}
		if (mine != 7000 + j->n)
			snprintf(j->why, sizeof(j->why), "the thread pointer");
		got = 0;
		syscall(SYS_arch_prctl, ARCH_GET_GS, &got);
		if (got != base)
			snprintf(j->why, sizeof(j->why), "the GS base is %#llx", (unsigned long long)got);
	}
}

int main(int argc, char **argv)
{
	static const struct regs_path paths[] = {
		{ "timer interrupts", SPIN, NULL, 0 },
		{ "device interrupts and kernel threads", SPIN, regs_device, 0 },
		{ "IPIs that invalidate translations", SPIN, regs_shootdown, 0 },
		{ "IPIs that wake", SPIN, regs_wake, 0 },
		{ "switches to other address spaces", SPIN, regs_processes, 0 },
		{ "system calls", SYSCALL, NULL, 0 },
		{ "page faults", FAULT, NULL, 0 },
		{ "page faults while others unmap", FAULT, regs_shootdown, 0 },
		{ "sched_yield", YIELD, NULL, 0 },
		{ "signals and the return from them", SPIN, NULL, 1 },
		{ "signals in system calls", SYSCALL, NULL, 1 },
		{ "signals in page faults", FAULT, NULL, 1 },
	};

	avx = __builtin_cpu_supports("avx");
	printf("# %s\n", avx ? "with AVX" : "without AVX");
	return regs_main(argc, argv, paths, sizeof(paths) / sizeof(paths[0]), on_signal);
}
