/* SPDX-License-Identifier: MIT */
/*
 * Host threads as CPUs; the signal that interrupts one; clocks and timers.
 *
 * Everything here is called with the kernel's interrupts off (the soft mask),
 * so that no kernel thread is switched away from inside libc.
 */
#ifndef HOST_CPU_H
#define HOST_CPU_H
#include <stdbool.h>
#include <stdint.h>

/* What the host side calls in the kernel; set once, before the first other call. */
struct host_hooks {
	/* The interrupt signal's handler, called as the host's kernel calls one: on a CPU's thread, on the interrupted stack; may switch kernel threads. */
	void (*interrupt)(void);
	/* What it returns to: rt_sigreturn. */
	void (*interrupt_return)(void);
	/* Likewise: the kernel itself trapped. */
	/* reg: rax rbx rcx rdx rsi rdi rbp rsp r8-r15 flags */
	void (*crash)(const char *what, uintptr_t pc, uintptr_t fp, uintptr_t addr, const uint64_t reg[17]);
	/* A device's line, for that CPU.  self: the caller is that CPU's thread, which has its interrupts off. */
	void (*irq)(unsigned line, unsigned cpu, int self);
	/* That process of the stub with this cookie is gone; from the main thread. */
	void (*stub_died)(void *cookie, int pid);
	/* The i-th of the counters that --stats prints; 0: there is none. */
	unsigned (*stats)(unsigned i, const char **name, uint64_t *value);
};
void host_set_hooks(const struct host_hooks *hooks);

/* A new host thread, which calls entry(arg) with interrupts blocked by the host until host_cpu_ready(). */
int host_cpu_start(unsigned cpu, void (*entry)(void *), void *arg);
/* This thread is that CPU; gs is what %gs:0 shall be.  From here on interrupts arrive. */
void host_cpu_ready(unsigned cpu, void *gs);
void host_cpu_interrupt(unsigned cpu);
/* Of the handler's siginfo: is it this CPU's timer?  Of its context: where the interrupted code goes on. */
bool host_interrupt_is_timer(const void *siginfo);
uintptr_t *host_interrupt_pc(void *context);
/* The host CPU that this CPU is bound to, or -1. */
int host_cpu_pinned(unsigned cpu);
/* Another host CPU, which it may share its user code's work with, or -1. */
int host_cpu_spare(unsigned cpu);
void host_yield(void);
_Noreturn void host_cpu_park(void);

/* Shared between processes.  Returns when woken, interrupted, or *word != val; timeout 0: none.  True: the time ran out. */
bool host_futex_wait(uint32_t *word, uint32_t val, uint64_t timeout_ns);
void host_futex_wake(uint32_t *word);

uint64_t host_time_mono_ns(void);	/* any context */
uint64_t host_time_real_ns(void);
/* This CPU's timer: interrupts it at that host_time_mono_ns(); UINT64_MAX: never. */
void host_timer_arm(unsigned cpu, uint64_t deadline_ns);
/* The counter of user code: ns = base + ((tsc - base_tsc) * mult >> shift).  -ENOTSUP. */
int host_time_tsc(uint64_t *base_tsc, uint64_t *base_ns, uint32_t *mult, uint32_t *shift);
#endif
