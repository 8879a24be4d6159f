/* SPDX-License-Identifier: MIT */
/*
 * What AddressSanitizer is told about the kernel's own allocators: which bytes
 * belong to nobody.  And MemorySanitizer: which bytes nobody has written yet,
 * and where that matters.  Without them everything here is nothing.
 */
#ifndef MM_ASAN_H
#define MM_ASAN_H
#include <kernel/compiler.h>

#if defined(__SANITIZE_ADDRESS__)
#define EFT_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EFT_ASAN 1
#endif
#endif

#ifdef EFT_ASAN
void __asan_poison_memory_region(const volatile void *addr, size_t n);
void __asan_unpoison_memory_region(const volatile void *addr, size_t n);
int __asan_address_is_poisoned(const volatile void *addr);
#define asan_poison(p, n)	__asan_poison_memory_region((p), (n))
#define asan_unpoison(p, n)	__asan_unpoison_memory_region((p), (n))
#define NO_ASAN			__attribute__((no_sanitize("address"), noinline))
#else
#define asan_poison(p, n)	((void)(p), (void)(n))
#define asan_unpoison(p, n)	((void)(p), (void)(n))
#define NO_ASAN
#endif

#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#define EFT_MSAN 1
#endif
#endif
#ifdef EFT_MSAN
void __msan_poison(const volatile void *p, size_t n);
void __msan_check_mem_is_initialized(const volatile void *p, size_t n);
#define msan_fresh(p, n)	__msan_poison((p), (n))		/* just allocated */
#define msan_check(p, n)	__msan_check_mem_is_initialized((p), (n))	/* leaves the kernel */
#else
#define msan_fresh(p, n)	((void)(p), (void)(n))
#define msan_check(p, n)	((void)(p), (void)(n))
#endif
#endif
