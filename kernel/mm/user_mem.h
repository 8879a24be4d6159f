/* SPDX-License-Identifier: MIT */
/*
 * Touching memory that programs see at the same time: what two of them do to
 * it at once is theirs to order, so ThreadSanitizer is not told of it.
 */
#ifndef MM_USER_MEM_H
#define MM_USER_MEM_H
#include <kernel/string.h>

#if defined(__SANITIZE_THREAD__)
#define EFT_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define EFT_TSAN 1
#endif
#endif

#ifdef EFT_TSAN
__attribute__((no_sanitize("thread"), unused)) static void user_mem_copy(void *dst, const void *src, size_t n)
{
	volatile uint8_t *d = dst;
	const volatile uint8_t *s = src;

	for (; n >= 8 && !((uintptr_t)d & 7) && !((uintptr_t)s & 7); n -= 8, d += 8, s += 8)
		*(volatile uint64_t *)d = *(const volatile uint64_t *)s;
	while (n--)
		*d++ = *s++;
}
__attribute__((no_sanitize("thread"), unused)) static void user_mem_zero(void *dst, size_t n)
{
	volatile uint8_t *d = dst;

	while (n--)
		*d++ = 0;
}
#else
static inline void user_mem_copy(void *dst, const void *src, size_t n) { memcpy(dst, src, n); }
static inline void user_mem_zero(void *dst, size_t n) { memset(dst, 0, n); }
#endif
#endif
