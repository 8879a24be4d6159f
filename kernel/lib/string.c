/* SPDX-License-Identifier: MIT */
/*
 * String functions.  memcpy, memmove, memset and memcmp are also what the
 * compiler calls behind our back.  Word-wise where alignment allows; long ones by
 * string instructions on x86-64, and by pairs on AArch64, which are what the
 * compiler makes of the loop.
 */
#include <kernel/compiler.h>
#include <kernel/errno.h>
#include <kernel/string.h>

typedef uint64_t __attribute__((may_alias, aligned(1))) word_t;

#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#define STRING_MSAN 1
#endif
#endif

#ifdef STRING_MSAN
/* The run-time's own, which move what is known of the bytes with them; it does not see through assembler. */
void *__msan_memcpy(void *d, const void *s, size_t n);
void *__msan_memset(void *d, int c, size_t n);
void *memcpy(void *restrict d, const void *restrict s, size_t n) { return __msan_memcpy(d, s, n); }
void *memset(void *d, int c, size_t n) { return __msan_memset(d, c, n); }
#elif defined(EFT_CPU_x86_64)
#ifdef __SSE2__
/*
 * Where the compiler may use them, vector registers: a string instruction takes as long where both sides are aligned alike,
 * and twice to three times as long where they are not, which is the rule for what a program has from its allocator.
 */
typedef long long vec_t __attribute__((vector_size(16), may_alias, aligned(1)));

void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
	char *d = dst;
	const char *s = src;

	if (n >= 16) {
		for (; n >= 64; n -= 64, d += 64, s += 64) {
			vec_t a = ((const vec_t *)s)[0], b = ((const vec_t *)s)[1], e = ((const vec_t *)s)[2], f = ((const vec_t *)s)[3];

			((vec_t *)d)[0] = a, ((vec_t *)d)[1] = b;
			((vec_t *)d)[2] = e, ((vec_t *)d)[3] = f;
			__asm__ volatile("" : : : "memory");	/* not a call to memcpy again */
		}
		for (; n >= 16; n -= 16, d += 16, s += 16) {
			*(vec_t *)d = *(const vec_t *)s;
			__asm__ volatile("" : : : "memory");
		}
	}
	if (n >= 8) {
		*(word_t *)d = *(const word_t *)s;
		n -= 8, d += 8, s += 8;
	}
	for (; n; n--) {
		*d++ = *s++;
		__asm__ volatile("" : : : "memory");
	}
	return dst;
}
#else
/*
 * By words: up to a few hundred bytes the start of a string instruction costs more than the loop, and emulators go through
 * them element by element, so that eight bytes an element are eight times as fast as one.
 */
void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
	char *d = dst;
	const char *s = src;
	size_t words = n / 8;

	if (n >= 256) {
		__asm__ volatile("rep movsq" : "+D"(d), "+S"(s), "+c"(words) : : "memory");
		n &= 7;
	}
	for (; n >= 8; n -= 8, d += 8, s += 8)
		*(word_t *)d = *(const word_t *)s;
	for (; n; n--) {
		*d++ = *s++;
		__asm__ volatile("" : : : "memory");	/* not a call to memcpy again */
	}
	return dst;
}
#endif

void *memset(void *dst, int c, size_t n)
{
	char *d = dst;
	uint64_t w = 0x0101010101010101ull * (unsigned char)c;
	size_t words = n / 8;

	if (n >= 256) {
		__asm__ volatile("rep stosq" : "+D"(d), "+c"(words) : "a"(w) : "memory");
		n &= 7;
	}
	for (; n >= 8; n -= 8, d += 8) {
		*(word_t *)d = w;
		__asm__ volatile("" : : : "memory");
	}
	for (; n; n--) {
		*d++ = (char)c;
		__asm__ volatile("" : : : "memory");
	}
	return dst;
}
#else
/* Device memory never passes here; normal memory allows unaligned words, but -mstrict-align splits them: align first. */
void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
	char *d = dst;
	const char *s = src;

	if ((((uintptr_t)d ^ (uintptr_t)s) & 7) == 0) {
		for (; n && ((uintptr_t)d & 7); n--) {
			*d++ = *s++;
			__asm__ volatile("" : : : "memory");
		}
		for (; n >= 32; n -= 32, d += 32, s += 32) {
			uint64_t a = ((const uint64_t *)s)[0], b = ((const uint64_t *)s)[1];
			uint64_t e = ((const uint64_t *)s)[2], f = ((const uint64_t *)s)[3];

			((uint64_t *)d)[0] = a, ((uint64_t *)d)[1] = b;
			((uint64_t *)d)[2] = e, ((uint64_t *)d)[3] = f;
			__asm__ volatile("" : : : "memory");
		}
	}
	for (; n; n--) {
		*d++ = *s++;
		__asm__ volatile("" : : : "memory");
	}
	return dst;
}

void *memset(void *dst, int c, size_t n)
{
	char *d = dst;
	uint64_t w = 0x0101010101010101ull * (unsigned char)c;

	for (; n && ((uintptr_t)d & 7); n--) {
		*d++ = (char)c;
		__asm__ volatile("" : : : "memory");
	}
	for (; n >= 32; n -= 32, d += 32) {
		((uint64_t *)d)[0] = w, ((uint64_t *)d)[1] = w;
		((uint64_t *)d)[2] = w, ((uint64_t *)d)[3] = w;
		__asm__ volatile("" : : : "memory");
	}
	for (; n; n--) {
		*d++ = (char)c;
		__asm__ volatile("" : : : "memory");
	}
	return dst;
}
#endif

void *memmove(void *dst, const void *src, size_t n)
{
	char *d = dst;
	const char *s = src;

	if (d == s || !n)
		return dst;
	if (d < s || d >= s + n) {
		if (d + n <= s || d >= s + n)
			return memcpy(dst, src, n);
		for (; n; n--) {
			*d++ = *s++;
			__asm__ volatile("" : : : "memory");
		}
	} else {
		while (n--) {
			d[n] = s[n];
			__asm__ volatile("" : : : "memory");
		}
	}
	return dst;
}

#ifdef EFT_CPU_x86_64
typedef word_t cmp_word_t;
#else
typedef uint64_t __attribute__((may_alias)) cmp_word_t;	/* aligned: -mstrict-align splits the other */
#endif

int memcmp(const void *a, const void *b, size_t n)
{
	const unsigned char *p = a, *q = b;
#ifndef EFT_CPU_x86_64
	bool words = (((uintptr_t)p ^ (uintptr_t)q) & 7) == 0;

	for (; words && n && ((uintptr_t)p & 7); n--, p++, q++)
		if (*p != *q)
			return *p - *q;
#else
	const bool words = true;
#endif

	for (; words && n >= 32; n -= 32, p += 32, q += 32) {
		const cmp_word_t *v = (const cmp_word_t *)p, *w = (const cmp_word_t *)q;

		if ((v[0] ^ w[0]) | (v[1] ^ w[1]) | (v[2] ^ w[2]) | (v[3] ^ w[3]))
			break;
	}
	/* What differs is among the next few, or there are only a few. */
	for (; n; n--, p++, q++)
		if (*p != *q)
			return *p - *q;
	return 0;
}

void *memchr(const void *s, int c, size_t n)
{
	const unsigned char *p = s;

	for (; n; n--, p++)
		if (*p == (unsigned char)c)
			return (void *)(uintptr_t)p;
	return NULL;
}

size_t strlen(const char *s)
{
	const char *p = s;

	while (*p) {
		p++;
		__asm__ volatile("" : : : "memory");
	}
	return (size_t)(p - s);
}

size_t strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n])
		n++;
	return n;
}

int strcmp(const char *a, const char *b)
{
	for (; *a && *a == *b; a++, b++)
		;
	return (unsigned char)*a - (unsigned char)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n; n--, a++, b++)
		if (*a != *b || !*a)
			return (unsigned char)*a - (unsigned char)*b;
	return 0;
}

char *strchr(const char *s, int c)
{
	for (;; s++) {
		if (*s == (char)c)
			return (char *)(uintptr_t)s;
		if (!*s)
			return NULL;
	}
}

char *strrchr(const char *s, int c)
{
	const char *found = NULL;

	for (;; s++) {
		if (*s == (char)c)
			found = s;
		if (!*s)
			return (char *)(uintptr_t)found;
	}
}

char *strstr(const char *hay, const char *needle)
{
	size_t n = strlen(needle);

	for (;; hay++) {
		if (!strncmp(hay, needle, n))
			return (char *)(uintptr_t)hay;
		if (!*hay)
			return NULL;
	}
}

size_t strlcpy(char *d, const char *s, size_t max)
{
	size_t n = strlen(s);

	if (max) {
		size_t m = MIN(n, max - 1);

		memcpy(d, s, m);
		d[m] = 0;
	}
	return n;
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'z' ? c - 'a' + 10 : 99;
}

/* Parses digits; *end is the first character that is none. */
static int parse_digits(const char *s, unsigned base, uint64_t *out, const char **end)
{
	uint64_t v = 0;
	const char *start;

	if ((base == 0 || base == 16) && s[0] == '0' && (s[1] | 32) == 'x') {
		s += 2;
		base = 16;
	} else if (base == 0) {
		base = s[0] == '0' ? 8 : 10;
	}
	for (start = s; (unsigned)digit_value(*s) < base; s++) {
		uint64_t next;

		if (__builtin_mul_overflow(v, (uint64_t)base, &next) ||
		    __builtin_add_overflow(next, (uint64_t)digit_value(*s), &v))
			return -ERANGE;
	}
	*out = v;
	*end = s;
	return s == start ? -EINVAL : 0;
}

int parse_u64(const char *s, unsigned base, uint64_t *out)
{
	const char *end;
	int err = parse_digits(s, base, out, &end);

	return err ? err : *end ? -EINVAL : 0;
}

int parse_size(const char *s, uint64_t *out)
{
	const char *end;
	uint64_t v;
	unsigned shift = 0;
	int err = parse_digits(s, 0, &v, &end);

	if (err)
		return err;
	switch (*end | 32) {
	case 'g': shift = 30; end++; break;
	case 'm': shift = 20; end++; break;
	case 'k': shift = 10; end++; break;
	}
	if (*end)
		return -EINVAL;
	if (v > UINT64_MAX >> shift)
		return -ERANGE;
	*out = v << shift;
	return 0;
}
