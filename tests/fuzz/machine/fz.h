/* SPDX-License-Identifier: MIT */
/*
 * Inside the fuzzer's machine.  There is one host thread; a CPU is a struct
 * with its own stack pointer, and exactly one of them runs (fz_self).  All of
 * this is data of the kernel image, so the snapshot covers it.
 */
#ifndef FZ_H
#define FZ_H
#include <fuzz/machine.h>
#include <hal/hal.h>
#include <kernel/compiler.h>
#include "tsan.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FZ_ASAN 1
void __sanitizer_start_switch_fiber(void **fake_save, const void *bottom, size_t size);
void __sanitizer_finish_switch_fiber(void *fake, const void **bottom_old, size_t *size_old);
#endif
#endif

#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#define FZ_MSAN 1
void __msan_unpoison(const volatile void *p, size_t n);
void __msan_check_mem_is_initialized(const volatile void *p, size_t n);
#endif
#endif

/* A place to continue: the callee-saved registers are on the stack. */
struct fz_context {
	void *sp;
	const void *stack;		/* for ASan */
	size_t size;
	void *fake;
	void *fiber;			/* for TSan: tsan.h */
};

enum { FZ_PEND_IPI = 1, FZ_PEND_IRQ = 2 };

struct fz_cpu {
	struct cpu *kcpu;
	struct task *curr;
	struct hal_as *as;
	struct fz_context *ctx;		/* of the kernel thread that runs here */
	struct fz_context first;	/* until the kernel has made one */
	uint64_t timer;			/* deadline; UINT64_MAX: none */
	uint64_t lines;			/* device lines behind FZ_PEND_IRQ */
	uint32_t pending;
	bool irq_off, started, idle, spinning;
	unsigned index;
	uint64_t priority;		/* PCT: the highest runs */
};

extern struct fz_cpu fz_cpus[FUZZ_CPUS], *fz_self;
extern unsigned fz_ncpus;
extern const struct fuzz_boot *fz_boot_args;
extern struct fuzz_run *fz_run;		/* NULL while booting */
extern uint64_t fz_now;			/* virtual time */
extern bool fz_outside;			/* kernel code runs for the hosted side: not part of the run */

/* Run the upcalls that are due; interrupts off.  May come back on another CPU. */
void fz_deliver(void);
bool fz_due(const struct fz_cpu *c);
/* Here another CPU may run. */
void fz_point(void);
/* Counts as a point, but nobody else runs here: a loop that passes no other point must end, too. */
void fz_tire(void);
/* Other CPUs run; returns when this one was chosen again. */
void fz_cpu_switch(struct fz_cpu *to);
/* The highest-priority (PCT) or any CPU that could run; not `but`.  NULL: none. */
struct fz_cpu *fz_choose(const struct fz_cpu *but);
void fz_schedule_init(void);
/* A program is about to make a call. */
void fz_schedule_call(void);
uint64_t fz_points(void);
/* A program made a call: not all are waiting for nothing. */
void fz_progress(void);
void fz_irq_line(unsigned line);

uint64_t fz_rand(void);
void fz_rand_seed(uint64_t seed);

/* virtio.c: what lying devices do unasked; drivers meet new devices (may sleep). */
void fz_device_event(void);
void fz_probe(void);

/* race.c: called by every task before its calls, when fz_run->race. */
void fz_race(void);

/* leaks.c: fills in fz_run->live; and by that, is something on its way to a disk? */
void fz_count(void);
bool fz_writing(void);

/* trace.c: a running hash, FNV-like, of what happened. */
enum { FZ_TRACE_CALL = 1, FZ_TRACE_RESULT, FZ_TRACE_THREAD, FZ_TRACE_CPU, FZ_TRACE_TRAP };
void fz_trace(uint64_t a, uint64_t b);

/* context.c */
void fz_context_make(struct fz_context *c, void *base, size_t size, void (*fn)(void *), void *arg);
void fz_switch(struct fz_context *from, struct fz_context *to);
enum fuzz_end fz_enter(struct fz_context *to);
/* The run is over; what it leaves is forgotten. */
_Noreturn void fz_end(enum fuzz_end how);
/* From hal_user_run(): stops here for the snapshot; every run continues from here. */
void fz_ready(void);
enum fuzz_end fz_continue(void);

#endif
