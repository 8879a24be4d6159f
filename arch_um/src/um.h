/* SPDX-License-Identifier: MIT */
/*
 * Inside the um port.
 *
 * A CPU is a host thread; its struct um_cpu is at %gs:0.  A kernel thread may
 * move between host threads whenever interrupts are on, so what is per CPU is
 * touched either with interrupts off or by one %gs-relative instruction.
 */
#ifndef UM_H
#define UM_H
#include <hal/hal.h>
#include <host/boot.h>
#include <host/cpu.h>
#include <kernel/compiler.h>

/*
 * What runs in the signal handler, or while stacks change: TSan's run-time must
 * not be entered there (no_sanitize would leave its calls at entry and exit).
 */
#if defined(__has_attribute) && defined(__clang__)
#if __has_attribute(disable_sanitizer_instrumentation)
#define UM_SIGNAL_CODE __attribute__((disable_sanitizer_instrumentation))
#endif
#endif
#ifndef UM_SIGNAL_CODE
#define UM_SIGNAL_CODE
#endif

enum { UM_PEND_TIMER = 1, UM_PEND_IPI = 2, UM_PEND_IRQ = 4 };

/* What is counted, with the words that --stats prints: um_stats_names in cpu.c. */
enum um_stat {
	UM_STAT_FAST, UM_STAT_ANSWERED, UM_STAT_TRAPPED, UM_STAT_FAULT, UM_STAT_SPUN, UM_STAT_WOKEN_SPUN, UM_STAT_YIELDED, UM_STAT_SLEPT, UM_STAT_DIED,
	UM_STAT_BATCH, UM_STAT_OPS, UM_STAT_KEPT, UM_STAT_SYNC, UM_STAT_PATCHED, UM_STAT_CPUID, UM_STAT_CPUID_PATCHED, UM_STAT_SETTLE, UM_STAT_FP, UM_STAT_SPAWN, UM_STATS
};

struct um_cpu {
	struct um_cpu *self;		/* [I] at %gs:0 */
	struct cpu *kcpu;		/* [c] at %gs:8 */
	uint32_t irq_off;		/* [c] at %gs:16: the soft mask */
	uint32_t pending;		/* [a] at %gs:20: UM_PEND_* */
	struct task *curr;		/* [c] at %gs:24: the kernel thread that runs */
	uint64_t lines;			/* [a] device lines behind UM_PEND_IRQ */
	uint32_t *wait_word;		/* [c] what an interrupt must change: see um_user_wait() */
	struct hal_as *as;		/* [c] active address space */
	struct hal_as *user_as;		/* [a] whose user code runs here; NULL: none */
	uint64_t timer_want, timer_set;	/* [c] deadline asked for, deadline the host has */
	unsigned index;			/* [I] */
	int host_cpu, spare_cpu;	/* [I] pinned to, another one; or -1 */
	uint32_t idle;			/* [a] sleeps on `pending` */
	uint32_t yield_skip, yield_back; /* [c] hand-offs to make without yielding; so many at the next slow one */
	uint32_t yield_good;		/* [c] quick ones since the last slow one, up to what counts as a run */
	void *stack;			/* [I] first stack */
	size_t stack_size;
	uint64_t stat[UM_STATS];	/* [c] what --stats prints */
} __attribute__((aligned(64)));	/* [c] is nobody else's cache line */

_Static_assert(offsetof(struct um_cpu, pending) == 20 && offsetof(struct um_cpu, curr) == 24, "%gs offsets");

extern struct um_cpu um_cpus[HOST_CPUS];
extern unsigned um_busy;		/* [a] CPUs that are not idle */
extern const struct host_boot *um_boot;
extern char *um_ram;			/* [I] where physical address 0 would be */

static ALWAYS_INLINE struct um_cpu *um_cpu(void)
{
	struct um_cpu *c;
	__asm__ volatile("movq %%gs:0, %0" : "=r"(c) : : "memory");
	return c;
}

static ALWAYS_INLINE bool um_irq_off(void)
{
	uint32_t v;
	__asm__ volatile("movl %%gs:16, %0" : "=r"(v) : : "memory");
	return v;
}
static inline void um_irq_set_off(void) { __asm__ volatile("movl $1, %%gs:16" : : : "memory"); }
static inline void um_irq_set_on(void) { __asm__ volatile("movl $0, %%gs:16" : : : "memory"); }
static inline uint32_t um_irq_pending(void)
{
	uint32_t v;
	__asm__ volatile("movl %%gs:20, %0" : "=r"(v) : : "memory");
	return v;
}

/* Interrupts off. */
static inline void um_count_add(enum um_stat s, uint64_t n) { um_cpu()->stat[s] += n; }
static inline void um_count(enum um_stat s) { um_count_add(s, 1); }

/* Run the upcalls that are pending; interrupts off.  May come back on another CPU. */
void um_irq_run(void);
void um_irq_post(struct um_cpu *c, uint32_t bits);
/* The signal's handler, what it returns to, and what it calls: interrupt.S. */
void um_interrupt_entry(void);
void um_interrupt_return(void);
bool um_interrupt(const void *siginfo, void *context, bool were_off);
void um_irq_line(unsigned line, unsigned cpu, int self);
void um_stub_died(void *cookie, int pid);
unsigned um_stats(unsigned i, const char **name, uint64_t *value);
void um_crash(const char *what, uintptr_t pc, uintptr_t fp, uintptr_t addr, const uint64_t reg[17]);

/* A lock between CPUs for short sections, interrupts off; sleeps in the host when contended. */
struct CAPABILITY("um_lock") um_lock { uint32_t v; };
void um_lock(struct um_lock *l) ACQUIRES(l);
void um_unlock(struct um_lock *l) RELEASES(l);

void um_caps_init(void);
bool um_kstack_phys(const void *va, paddr_t *pa);
bool um_stack_ok(uintptr_t fp);
/* Onto a stack, for the first time on this host thread. */
_Noreturn void um_enter_stack(void *top, void (*fn)(void *), void *arg);

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UM_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define UM_TSAN 1
#endif
#endif
#ifdef UM_ASAN
void __sanitizer_start_switch_fiber(void **fake_save, const void *bottom, size_t size);
void __sanitizer_finish_switch_fiber(void *fake, const void **bottom_old, size_t *size_old);
void __asan_unpoison_memory_region(const volatile void *p, size_t n);
#endif
#ifdef UM_TSAN
void *__tsan_get_current_fiber(void);
void *__tsan_create_fiber(unsigned flags);
void __tsan_destroy_fiber(void *fiber);
void __tsan_switch_to_fiber(void *fiber, unsigned flags);
#endif
#endif
