/* SPDX-License-Identifier: MIT */
/*
 * Snapshot and reset.
 *
 * A page of the machine is cold (write-protected) or hot (writable).  The
 * first write to a cold page faults once and makes it hot; from then on it
 * costs no fault, but is compared with its copy at every reset.  A hot page
 * that has been found unchanged a number of times in a row becomes cold again;
 * the number is the page's patience, which doubles when the page has to be
 * made hot again soon after, and starts low.  A fault costs as much as a
 * hundred comparisons: so pages that one program in a hundred touches stay
 * hot, others cost a fault when they are.
 * A page that was all zeros is compared with nothing: its copy is not read.
 *
 * Whoever writes page after page (a large allocation) faults once in eight.
 *
 * The ends of a region that are not whole pages share theirs with others: they
 * are never protected and always compared.
 *
 * Compiled without sanitizers: reads memory that ASan has poisoned, writes its
 * shadow, and runs in the SIGSEGV handler.
 */
#include <immintrin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "snapshot.h"

enum { PAGE = 4096, REGIONS = 8, PATIENCE_MIN = 8, PATIENCE_MAX = 128, SOON = 100, AHEAD = 1, AROUND = 8 };

struct region {
	const char *name;
	char *base, *copy;
	size_t size;
	char *first;			/* whole pages: [first, first + pages) */
	size_t pages;
	struct state *state;		/* by page */
};
struct state { bool hot; uint16_t patience; uint32_t cold_since; /* snapshot_stat.resets */ };
static struct region regions[REGIONS];
static unsigned nregions;

struct hot_page { char *page; const char *copy; struct state *state; unsigned idle; bool zero; };
static struct hot_page *hot_pages;
static size_t nhot, max_hot;
struct snapshot_stat snapshot_stat;

static void die(const char *what)
{
	perror(what);
	abort();
}

static void *map(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		die("fuzz: mmap");
	return p;
}

void snapshot_add(const char *name, void *base, size_t size)
{
	if (nregions == REGIONS)
		abort();
	regions[nregions++] = (struct region){ .name = name, .base = base, .size = size };
}

/* Whole 16-byte words, then bytes: memcpy() and memcmp() would be the sanitizer's. */
static void copy_bytes(char *to, const char *from, size_t n)
{
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
}

/* Make the page its copy again; false: it was. */
static bool page_restore_sse(char *page, const char *copy)
{
	bool changed = false;

	for (unsigned i = 0; i < PAGE; i += 64) {
		const __m128i *c = (const __m128i *)(const void *)(copy + i);
		__m128i *p = (__m128i *)(void *)(page + i);
		__m128i c0 = c[0], c1 = c[1], c2 = c[2], c3 = c[3];
		__m128i e = _mm_and_si128(_mm_and_si128(_mm_cmpeq_epi8(c0, p[0]), _mm_cmpeq_epi8(c1, p[1])),
			_mm_and_si128(_mm_cmpeq_epi8(c2, p[2]), _mm_cmpeq_epi8(c3, p[3])));

		if (_mm_movemask_epi8(e) != 0xffff) {
			p[0] = c0;
			p[1] = c1;
			p[2] = c2;
			p[3] = c3;
			changed = true;
		}
	}
	return changed;
}

__attribute__((target("avx2"))) static bool page_restore_avx(char *page, const char *copy)
{
	bool changed = false;

	for (unsigned i = 0; i < PAGE; i += 128) {
		const __m256i *c = (const __m256i *)(const void *)(copy + i);
		__m256i *p = (__m256i *)(void *)(page + i);
		__m256i c0 = c[0], c1 = c[1], c2 = c[2], c3 = c[3];
		__m256i d = _mm256_or_si256(_mm256_or_si256(_mm256_xor_si256(c0, p[0]), _mm256_xor_si256(c1, p[1])),
			_mm256_or_si256(_mm256_xor_si256(c2, p[2]), _mm256_xor_si256(c3, p[3])));

		if (!_mm256_testz_si256(d, d)) {
			p[0] = c0;
			p[1] = c1;
			p[2] = c2;
			p[3] = c3;
			changed = true;
		}
	}
	return changed;
}

/* The same for pages that were zero. */
static bool page_zero_sse(char *page, const char *copy)
{
	const __m128i zero = _mm_setzero_si128();
	bool changed = false;

	(void)copy;
	for (unsigned i = 0; i < PAGE; i += 64) {
		__m128i *p = (__m128i *)(void *)(page + i);
		__m128i d = _mm_or_si128(_mm_or_si128(p[0], p[1]), _mm_or_si128(p[2], p[3]));

		if (_mm_movemask_epi8(_mm_cmpeq_epi8(d, zero)) != 0xffff) {
			p[0] = p[1] = p[2] = p[3] = zero;
			changed = true;
		}
	}
	return changed;
}

__attribute__((target("avx2"))) static bool page_zero_avx(char *page, const char *copy)
{
	const __m256i zero = _mm256_setzero_si256();
	bool changed = false;

	(void)copy;
	for (unsigned i = 0; i < PAGE; i += 128) {
		__m256i *p = (__m256i *)(void *)(page + i);
		__m256i d = _mm256_or_si256(_mm256_or_si256(p[0], p[1]), _mm256_or_si256(p[2], p[3]));

		if (!_mm256_testz_si256(d, d)) {
			p[0] = p[1] = p[2] = p[3] = zero;
			changed = true;
		}
	}
	return changed;
}

static bool (*page_restore)(char *page, const char *copy), (*page_zero)(char *page, const char *copy);

static bool page_is_zero(const char *page)
{
	for (unsigned i = 0; i < PAGE; i += 8)
		if (*(const uint64_t *)(const void *)(page + i))
			return false;
	return true;
}

void snapshot_take(void)
{
	for (unsigned i = 0; i < nregions; i++) {
		struct region *r = &regions[i];
		uintptr_t lo = ((uintptr_t)r->base + PAGE - 1) & ~(uintptr_t)(PAGE - 1), hi = ((uintptr_t)r->base + r->size) & ~(uintptr_t)(PAGE - 1);

		r->copy = (char *)map(r->size + 2 * PAGE) + ((uintptr_t)r->base & (PAGE - 1));
		r->first = hi > lo ? (char *)lo : r->base;
		r->pages = hi > lo ? (hi - lo) / PAGE : 0;
		r->state = map((r->pages + 1) * sizeof(*r->state));
		copy_bytes(r->copy, r->base, (size_t)(r->first - r->base));
		for (size_t k = 0; k < r->pages; k++)
			if (!page_is_zero(r->first + k * PAGE))
				copy_bytes(r->copy + (r->first - r->base) + k * PAGE, r->first + k * PAGE, PAGE);
		copy_bytes(r->copy + (r->first - r->base) + r->pages * PAGE, r->first + r->pages * PAGE,
			(size_t)(r->base + r->size - (r->first + r->pages * PAGE)));
		max_hot += r->pages;
	}
	page_restore = __builtin_cpu_supports("avx2") ? page_restore_avx : page_restore_sse;
	page_zero = __builtin_cpu_supports("avx2") ? page_zero_avx : page_zero_sse;
	hot_pages = map(max_hot * sizeof(*hot_pages));
	for (unsigned i = 0; i < nregions; i++)
		if (regions[i].pages && mprotect(regions[i].first, regions[i].pages * PAGE, PROT_READ))
			die("fuzz: mprotect");
}

static void heat(struct region *r, size_t k)
{
	struct state *t = &r->state[k];

	if (!t->patience)
		t->patience = PATIENCE_MIN;
	else if (t->patience < PATIENCE_MAX && (uint32_t)snapshot_stat.resets - t->cold_since < SOON)
		t->patience *= 2;
	t->hot = true;
	hot_pages[nhot] = (struct hot_page){ r->first + k * PAGE, r->copy + (r->first - r->base) + k * PAGE, t, 0, false };
	hot_pages[nhot].zero = page_is_zero(hot_pages[nhot].copy);
	nhot++;
}

bool snapshot_fault(void *addr)
{
	static const char *expected;	/* the page behind the last one that faulted */

	for (unsigned i = 0; i < nregions; i++) {
		struct region *r = &regions[i];
		size_t k = (size_t)((char *)addr - r->first) / PAGE, n = 1;

		if ((char *)addr < r->first || k >= r->pages || !r->state)
			continue;
		if (r->state[k].hot)
			return false;
		if (r->first + k * PAGE == expected)
			while (n < AROUND && k + n < r->pages && !r->state[k + n].hot)
				n++;
		if (mprotect(r->first + k * PAGE, n * PAGE, PROT_READ | PROT_WRITE))
			return false;
		for (size_t x = 0; x < n; x++)
			heat(r, k + x);
		expected = r->first + (k + n) * PAGE;
		snapshot_stat.faults++;
		return true;
	}
	return false;
}

static void ends_restore(struct region *r)
{
	size_t head = (size_t)(r->first - r->base), tail = (size_t)(r->base + r->size - (r->first + r->pages * PAGE));

	copy_bytes(r->base, r->copy, head);
	copy_bytes(r->base + r->size - tail, r->copy + r->size - tail, tail);
}

void snapshot_reset(void)
{
	for (unsigned i = 0; i < nregions; i++)
		ends_restore(&regions[i]);
	for (size_t i = 0; i < nhot; i++) {
		struct hot_page *h = &hot_pages[i];

		if (i + AHEAD < nhot) {	/* the hardware looks ahead only within a page */
			__builtin_prefetch(h[AHEAD].page);
			__builtin_prefetch(h[AHEAD].page + 64);
			__builtin_prefetch(h[AHEAD].copy);
			__builtin_prefetch(h[AHEAD].copy + 64);
		}
		if (h->zero ? page_zero(h->page, h->copy) : page_restore(h->page, h->copy)) {
			h->idle = 0;
			snapshot_stat.restored++;
		} else if (++h->idle >= h->state->patience) {
			if (mprotect(h->page, PAGE, PROT_READ))
				die("fuzz: mprotect");
			h->state->hot = false;
			h->state->cold_since = (uint32_t)snapshot_stat.resets;
			*h = hot_pages[--nhot];
			i--;
		}
	}
	snapshot_stat.resets++;
	snapshot_stat.hot += nhot;
}

/* The first byte of [at, at + n) of the region that differs; n: none. */
static size_t differs(const struct region *r, size_t at, size_t n)
{
	for (size_t k = 0; k < n; k++)
		if (r->base[at + k] != r->copy[at + k])
			return k;
	return n;
}

static bool page_same(const char *page, const char *copy)
{
	const __m128i *p = (const __m128i *)(const void *)page, *c = (const __m128i *)(const void *)copy;
	__m128i d = _mm_setzero_si128();

	for (unsigned i = 0; i < PAGE / 16; i++)
		d = _mm_or_si128(d, _mm_xor_si128(p[i], c[i]));
	return _mm_movemask_epi8(_mm_cmpeq_epi8(d, _mm_setzero_si128())) == 0xffff;
}

bool snapshot_same(const char **region, size_t *offset)
{
	for (unsigned i = 0; i < nregions; i++) {
		struct region *r = &regions[i];
		size_t head = (size_t)(r->first - r->base), at = head, bad;

		bad = differs(r, 0, head);
		if (bad < head) {
			at = 0;
			goto found;
		}
		for (size_t k = 0; k < r->pages; k++, at += PAGE) {
			if (page_same(r->base + at, r->copy + at))
				continue;
			bad = differs(r, at, PAGE);
			goto found;
		}
		bad = differs(r, at, r->size - at);
		if (bad == r->size - at)
			continue;
found:
		*region = r->name;
		*offset = at + bad;
		return false;
	}
	return true;
}
