/* SPDX-License-Identifier: MIT */
/*
 * What the compiler can be told: attributes, branch hints, assertions that
 * are checked while compiling.  gcc >= 12 and clang >= 14.
 */
#ifndef KERNEL_COMPILER_H
#define KERNEL_COMPILER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_CHECK	__attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))
#define NOINLINE	__attribute__((noinline))
#define ALWAYS_INLINE	inline __attribute__((always_inline))
#define PACKED		__attribute__((packed))
#define ALIGNED(n)	__attribute__((aligned(n)))
#define UNUSED		__attribute__((unused))
/* Reads or writes beside a lock's holder on purpose: what is read may be a moment old, or torn where that is harmless. */
#define RACY		NOINLINE __attribute__((no_sanitize("thread")))
#define COLD		__attribute__((cold))
#define FALLTHROUGH	__attribute__((fallthrough))
#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))
/* Names of their own, so that they nest without shadowing. */
#define UNIQUE__(name, n) name##n
#define UNIQUE_(name, n) UNIQUE__(name, n)
#define UNIQUE(name)	UNIQUE_(name, __COUNTER__)
#define MIN_(a, b, x, y) ({ __typeof__(a) x = (a); __typeof__(b) y = (b); x < y ? x : y; })
#define MAX_(a, b, x, y) ({ __typeof__(a) x = (a); __typeof__(b) y = (b); x > y ? x : y; })
#define MIN(a, b)	MIN_(a, b, UNIQUE(min_a_), UNIQUE(min_b_))
#define MAX(a, b)	MAX_(a, b, UNIQUE(max_a_), UNIQUE(max_b_))
/* n is a power of two. */
#define ALIGN_DOWN(x, n) ((x) & ~((__typeof__(x))(n) - 1))
#define ALIGN_UP(x, n)	 ALIGN_DOWN((x) + ((__typeof__(x))(n) - 1), n)
#define DIV_ROUND_UP(x, n) (((x) + (n) - 1) / (n))

#define READ_ONCE(x)	 __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, v) __atomic_store_n(&(x), (v), __ATOMIC_RELAXED)
#define load_acquire(p)	 __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)

/* Sanitizers make frames larger, and TSan reports on the stack of the thread at fault. */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define STACK_FACTOR 4
#elif __has_feature(address_sanitizer)
#define STACK_FACTOR 2
#endif
#endif
#ifndef STACK_FACTOR
#define STACK_FACTOR 1
#endif

enum { PAGE_SHIFT = 12 };
#define PAGE_SIZE ((size_t)1 << PAGE_SHIFT)
#define PAGE_MASK (~((uint64_t)PAGE_SIZE - 1))
#endif
