/* SPDX-License-Identifier: MIT */
/* A system call changes its result register and what the ABI gives up, nothing else: general, vector and flag registers, for fast calls, blocking ones, failing ones. */
#include "harness.h"
#include "child.h"
#include <sched.h>
#include <stdint.h>

#if defined(__x86_64__)
/* All registers known before; a count of those that differ afterwards. */
static long check(long nr, long a, long b, long c, long *result)
{
	long bad, res, args[3] = { a, b, c };

	__asm__ volatile(
		"sub $256,%%rsp; push %%rbx; push %%rbp\n"
		"mov 0(%[args]),%%rdi; mov 8(%[args]),%%rsi; mov 16(%[args]),%%rdx\n"
		"push %%rdi; push %%rsi; push %%rdx\n"
		"mov $0x101,%%ebx; mov $0x102,%%ebp; mov $0x108,%%r8d; mov $0x109,%%r9d; mov $0x10a,%%r10d; mov $0x10c,%%r12d; mov $0x10d,%%r13d; mov $0x10e,%%r14d; mov $0x10f,%%r15d\n"
		"movq %%rbx,%%xmm0; movq %%rbp,%%xmm1; movq %%r12,%%xmm6; movq %%r13,%%xmm9; movq %%r15,%%xmm15\n"
		"std\n"
		"cld\n"
		"syscall\n"
		"mov %%rax,%%rcx; xor %%eax,%%eax\n"
		"cmp $0x101,%%rbx; setne %%al; mov %%rax,%%r11; cmp $0x102,%%rbp; setne %%al; add %%rax,%%r11; cmp $0x108,%%r8; setne %%al; add %%rax,%%r11\n"
		"cmp $0x109,%%r9; setne %%al; add %%rax,%%r11; cmp $0x10a,%%r10; setne %%al; add %%rax,%%r11; cmp $0x10c,%%r12; setne %%al; add %%rax,%%r11\n"
		"cmp $0x10d,%%r13; setne %%al; add %%rax,%%r11; cmp $0x10e,%%r14; setne %%al; add %%rax,%%r11; cmp $0x10f,%%r15; setne %%al; add %%rax,%%r11\n"
		"movq %%xmm0,%%r8; cmp $0x101,%%r8; setne %%al; add %%rax,%%r11; movq %%xmm1,%%r8; cmp $0x102,%%r8; setne %%al; add %%rax,%%r11\n"
		"movq %%xmm6,%%r8; cmp $0x10c,%%r8; setne %%al; add %%rax,%%r11; movq %%xmm9,%%r8; cmp $0x10d,%%r8; setne %%al; add %%rax,%%r11\n"
		"movq %%xmm15,%%r8; cmp $0x10f,%%r8; setne %%al; add %%rax,%%r11\n"
		"pop %%r8; cmp %%r8,%%rdx; setne %%al; add %%rax,%%r11; pop %%r8; cmp %%r8,%%rsi; setne %%al; add %%rax,%%r11; pop %%r8; cmp %%r8,%%rdi; setne %%al; add %%rax,%%r11\n"
		"pop %%rbp; pop %%rbx; add $256,%%rsp\n"
		"mov %%r11,%%rax\n"
		: "=a"(bad), "=c"(res) : "a"(nr), [args] "c"(args)
		: "rdi", "rsi", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc", "xmm0", "xmm1", "xmm6", "xmm9", "xmm15");
	*result = res;
	return bad;
}
#elif defined(__aarch64__)
static long check(long nr, long a, long b, long c, long *result)
{
	long args[6] = { a, b, c, nr };	/* and then: what differs, the result */
	register long *p __asm__("x19") = args;

	__asm__ volatile(
		"ldp x0,x1,[x19]; ldp x2,x8,[x19,#16]; ldr x28,[x19,#8]\n"
		"mov x3,#3; mov x4,#4; mov x5,#5; mov x6,#6; mov x7,#7; mov x9,#9; mov x10,#10; mov x11,#11; mov x12,#12; mov x13,#13; mov x14,#14; mov x15,#15; mov x16,#16; mov x17,#17\n"
		"mov x20,#20; mov x21,#21; mov x22,#22; mov x23,#23; mov x24,#24; mov x25,#25; mov x26,#26; mov x30,#30\n"
		"dup v0.2d,x3; dup v7.2d,x4; dup v8.2d,x5; dup v16.2d,x6; dup v31.2d,x7\n"
		"cmp x3,#3\n"
		"svc #0\n"
		"cset x27,ne\n"		/* flags are kept */
		"cmp x1,x28; cinc x27,x27,ne; ldr x28,[x19,#16]; cmp x2,x28; cinc x27,x27,ne\n"
		"cmp x3,#3; cinc x27,x27,ne; cmp x4,#4; cinc x27,x27,ne; cmp x5,#5; cinc x27,x27,ne; cmp x6,#6; cinc x27,x27,ne; cmp x7,#7; cinc x27,x27,ne\n"
		"cmp x9,#9; cinc x27,x27,ne; cmp x10,#10; cinc x27,x27,ne; cmp x11,#11; cinc x27,x27,ne; cmp x12,#12; cinc x27,x27,ne; cmp x13,#13; cinc x27,x27,ne\n"
		"cmp x14,#14; cinc x27,x27,ne; cmp x15,#15; cinc x27,x27,ne; cmp x16,#16; cinc x27,x27,ne; cmp x17,#17; cinc x27,x27,ne\n"
		"cmp x20,#20; cinc x27,x27,ne; cmp x21,#21; cinc x27,x27,ne; cmp x22,#22; cinc x27,x27,ne; cmp x23,#23; cinc x27,x27,ne; cmp x24,#24; cinc x27,x27,ne\n"
		"cmp x25,#25; cinc x27,x27,ne; cmp x26,#26; cinc x27,x27,ne; cmp x30,#30; cinc x27,x27,ne\n"
		"umov x1,v0.d[1]; cmp x1,#3; cinc x27,x27,ne; umov x1,v7.d[0]; cmp x1,#4; cinc x27,x27,ne; umov x1,v8.d[1]; cmp x1,#5; cinc x27,x27,ne\n"
		"umov x1,v16.d[0]; cmp x1,#6; cinc x27,x27,ne; umov x1,v31.d[1]; cmp x1,#7; cinc x27,x27,ne\n"
		"stp x27,x0,[x19,#32]\n"
		: : "r"(p)
		: "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "x30",
		  "v0", "v7", "v8", "v16", "v31", "memory", "cc");
	*result = args[5];
	return args[4];
}
#endif

int main(void)
{
	struct timespec ts = { 0, 2000000 };
	int fds[2];
	char buf[8];
	long r, bad = 0;
	pid_t pid;

	plan(9);
	if (pipe(fds))
		bail("pipe");
	ok(check(SYS_getppid, 11, 22, 33, &r) == 0 && r == getppid(), "a call without arguments (%ld)", r);
	ok(check(SYS_close, -1, 0, 0, &r) == 0 && r == -EBADF, "one that fails");
	ok(check(5000, 1, 2, 3, &r) == 0 && r == -ENOSYS, "one that does not exist");
	ok(check(SYS_write, fds[1], (long)"x", 1, &r) == 0 && r == 1, "one that writes");
	ok(check(SYS_read, fds[0], (long)buf, 8, &r) == 0 && r == 1, "one that reads");
	ok(check(SYS_nanosleep, (long)&ts, 0, 0, &r) == 0 && r == 0, "one that sleeps");
	ok(check(SYS_sched_yield, 5, 6, 7, &r) == 0 && r == 0, "one that lets others run");
	pid = fork();
	if (!pid) {
		for (int i = 0; i < 2000; i++)
			bad += check(SYS_sched_yield, i, i + 1, i + 2, &r);
		_exit(bad != 0);
	}
	for (int i = 0; i < 2000; i++)
		bad += check(SYS_getppid, i, i + 1, i + 2, &r);
	ok(bad == 0 && exit_of(pid) == 0, "thousands, beside another process");
	ok(check(SYS_write, fds[1], 8, 8, &r) == 0 && r == -EFAULT, "one with a bad pointer");
	close(fds[1]);
	return done();
}
