/* SPDX-License-Identifier: MIT */
/* rseq(2): registration, the CPU number, the abort of an interrupted sequence. */
#include "harness.h"
#include <sched.h>
#include <stddef.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

struct my_rseq { uint32_t cpu_id_start, cpu_id; uint64_t rseq_cs; uint32_t flags, node, cid, pad; } __attribute__((aligned(32)));
struct my_cs { uint32_t version, flags; uint64_t start, post, abort; } __attribute__((aligned(32)));
static struct my_rseq area;
extern const unsigned int __rseq_size __attribute__((weak));
extern const ptrdiff_t __rseq_offset __attribute__((weak));

static struct my_rseq *mine(void)
{
	if (&__rseq_size && __rseq_size)	/* the C library has registered one already */
		return (struct my_rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);
	return &area;
}
static volatile sig_atomic_t alarms;
static void handler(int s) { (void)s; alarms++; }

int main(void)
{
	struct my_rseq *r = mine();
	cpu_set_t set, all;
	int st = 0, cpus, n = 0;

	plan(6);
	if (r == &area)
		st = (int)syscall(SYS_rseq, r, 32, 0, 0x53053053);
	ok(st == 0, "registered");
	sched_getaffinity(0, sizeof(all), &all);
	cpus = CPU_COUNT(&all);
	for (int c = 0, seen = 0; c < 64 && seen < cpus; c++) {
		if (!CPU_ISSET(c, &all))
			continue;
		seen++;
		CPU_ZERO(&set);
		CPU_SET(c, &set);
		sched_setaffinity(0, sizeof(set), &set);
		n += *(volatile uint32_t *)&r->cpu_id == (uint32_t)c;
	}
	ok(n == cpus, "the CPU number follows (%d of %d)", n, cpus);
	sched_setaffinity(0, sizeof(all), &all);
	ok_errno(syscall(SYS_rseq, (char *)r + 32, 32, 0, 0x53053053), EINVAL, "another area");
	ok_errno(syscall(SYS_rseq, r, 32, 0, 1), (r == &area ? EPERM : errno), "another signature");
	ok_errno(syscall(SYS_rseq, r, 32, 7, 0x53053053), EINVAL, "unknown flags");
#ifdef __x86_64__
	/* A sequence that never ends by itself: only an abort gets out of it. */
	struct sigaction sa = { .sa_handler = handler };
	struct itimerval it = { { 0, 30000 }, { 0, 30000 } }, off = { { 0, 0 }, { 0, 0 } };
	static struct my_cs cs;
	int aborted = 0;

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
	__asm__ volatile(
		"lea 1f(%%rip), %%rax; mov %%rax, 8(%1)\n"
		"lea 2f(%%rip), %%rcx; sub %%rax, %%rcx; mov %%rcx, 16(%1)\n"
		"lea 4f(%%rip), %%rax; mov %%rax, 24(%1)\n"
		"mov %1, 8(%2)\n"
		"1: pause; jmp 1b\n"
		"2: jmp 5f\n"
		".byte 0x0f, 0xb9, 0x3d; .long 0x53053053\n"
		"4: movl $1, %0\n"
		"5:\n" : "+m"(aborted) : "r"(&cs), "r"(r) : "rax", "rcx", "memory");
	setitimer(ITIMER_REAL, &off, NULL);
	ok(aborted, "being interrupted aborts the sequence");
#else
	(void)handler;
	ok(1, "the abort is tested on x86-64");
#endif
	return done();
}
