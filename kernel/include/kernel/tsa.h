/* SPDX-License-Identifier: MIT */
/*
 * Lock annotations, checked by clang -Wthread-safety and ignored elsewhere
 * (clang.llvm.org/docs/ThreadSafetyAnalysis.html).
 */
#ifndef KERNEL_TSA_H
#define KERNEL_TSA_H

#ifdef __clang__
#define TSA(x) __attribute__((x))
#else
#define TSA(x)
#endif
#define CAPABILITY(n)	TSA(capability(n))
#define ACQUIRES(...)	TSA(acquire_capability(__VA_ARGS__))
#define TRY_ACQUIRES(...) TSA(try_acquire_capability(__VA_ARGS__))
#define RELEASES(...)	TSA(release_capability(__VA_ARGS__))
#define ACQUIRES_SHARED(...) TSA(acquire_shared_capability(__VA_ARGS__))
#define RELEASES_SHARED(...) TSA(release_shared_capability(__VA_ARGS__))
#define REQUIRES(...)	TSA(requires_capability(__VA_ARGS__))
#define EXCLUDES(...)	TSA(locks_excluded(__VA_ARGS__))
/* For code that hands a lock on, or takes it conditionally: say why beside it. */
#define NO_TSA		TSA(no_thread_safety_analysis)
/* Naming a sibling member needs clang 19: the `analyse` preset. */
#if defined(__clang__) && __clang_major__ >= 19
#define GUARDED_BY(x)	__attribute__((guarded_by(x)))
#else
#define GUARDED_BY(x)
#endif

/* "Interrupts are off on this CPU": a state, which the checker treats as a lock. */
struct CAPABILITY("irqs-off") irq_state { int unused; };
extern struct irq_state irqs_off;
#endif
