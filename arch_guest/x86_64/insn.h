/* SPDX-License-Identifier: MIT */
/* The instructions that C has no words for. */
#ifndef X86_INSN_H
#define X86_INSN_H
#include <stdbool.h>
#include <stdint.h>

static inline void outb(uint16_t port, uint8_t v) { __asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port) : "memory"); }
static inline void outw(uint16_t port, uint16_t v) { __asm__ volatile("outw %0, %1" : : "a"(v), "Nd"(port) : "memory"); }
static inline void outl(uint16_t port, uint32_t v) { __asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port) : "memory"); }
static inline uint8_t inb(uint16_t port)
{
	uint8_t v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port) : "memory");
	return v;
}
static inline uint16_t inw(uint16_t port)
{
	uint16_t v;

	__asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port) : "memory");
	return v;
}
static inline uint32_t inl(uint16_t port)
{
	uint32_t v;

	__asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port) : "memory");
	return v;
}

static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr) : "memory");
	return (uint64_t)hi << 32 | lo;
}
static inline void wrmsr(uint32_t msr, uint64_t v)
{
	__asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)) : "memory");
}

struct cpuid { uint32_t a, b, c, d; };
static inline struct cpuid cpuid(uint32_t leaf, uint32_t sub)
{
	struct cpuid r;

	__asm__ volatile("cpuid" : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d) : "a"(leaf), "c"(sub));
	return r;
}

static inline uint64_t rdtsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return (uint64_t)hi << 32 | lo;
}

#define X86_CR(n) \
	static inline uint64_t read_cr##n(void) \
	{ \
		uint64_t v; \
		__asm__ volatile("mov %%cr" #n ", %0" : "=r"(v) : : "memory"); \
		return v; \
	} \
	static inline void write_cr##n(uint64_t v) { __asm__ volatile("mov %0, %%cr" #n : : "r"(v) : "memory"); }
X86_CR(0)
X86_CR(2)
X86_CR(3)
X86_CR(4)
#undef X86_CR

static inline void invlpg(uint64_t va) { __asm__ volatile("invlpg (%0)" : : "r"(va) : "memory"); }
static inline void cpu_pause(void) { __asm__ volatile("pause" : : : "memory"); }
static inline void wbinvd(void) { __asm__ volatile("wbinvd" : : : "memory"); }

enum { FLAGS_TF = 1 << 8, FLAGS_IF = 1 << 9, FLAGS_RF = 1 << 16, FLAGS_AC = 1 << 18 };

/* Interrupts off without the annotations of <hal/irq.h>: for the port's own leaf locks. */
static inline unsigned long flags_save_cli(void)
{
	unsigned long f;

	__asm__ volatile("pushfq\n\tpopq %0\n\tcli" : "=r"(f) : : "memory");
	return f;
}
static inline void flags_restore(unsigned long f)
{
	if (f & FLAGS_IF)
		__asm__ volatile("sti" : : : "memory");
}

/*
 * A leaf lock of the port, taken with interrupts off: nothing is called while
 * it is held.  Not <kernel/lock.h>, because it works before the kernel is up
 * and while it is going down.
 */
struct leaf_lock { bool held; };
static inline unsigned long leaf_lock(struct leaf_lock *l)
{
	unsigned long f = flags_save_cli();

	while (__atomic_exchange_n(&l->held, true, __ATOMIC_ACQUIRE))
		while (__atomic_load_n(&l->held, __ATOMIC_RELAXED))
			cpu_pause();
	return f;
}
static inline void leaf_unlock(struct leaf_lock *l, unsigned long f)
{
	__atomic_store_n(&l->held, false, __ATOMIC_RELEASE);
	flags_restore(f);
}
#endif
