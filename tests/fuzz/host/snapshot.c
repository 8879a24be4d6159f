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
 * Of the copy, parts that are all zeros are not read: half of the pages that
 * programs change is such.
 *
 * Pages that nobody had when the snapshot was taken are all zeros.  The machine
 * says which of them a run has taken, and only those are looked at, and one
 * more, in turn: a program takes few, each a different number.
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
#include <fuzz/machine.h>
#include "snapshot.h"

enum { PAGE = 4096, REGIONS = 8, PATIENCE_MIN = 8, PATIENCE_MAX = 128, SOON = 100, AHEAD = 1, AROUND = 8, PART = PAGE / 32 };

struct region {
	const char *name;
	char *base, *copy;
	size_t size;
	char *first;			/* whole pages: [first, first + pages) */
	size_t pages;
	struct state *state;		/* by page */
};
struct state {
	bool hot;
	bool free;			/* nobody's, and zero */
	uint16_t patience;
	uint32_t cold_since;		/* snapshot_stat.resets */
	uint32_t taken;			/* snapshot_stat.resets + 1, by the run before that reset */
};
static struct region regions[REGIONS];
static unsigned nregions;

struct hot_page {
	char *page;
	const char *copy;
	struct state *state;
	unsigned idle;
	uint32_t filled;		/* a bit for each PART of the copy: not all zeros */
};
static struct hot_page *hot_pages;
static size_t nhot, max_hot;
static struct taken { char *page; struct state *state; } *taken;
static size_t ntaken;
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

static const char zeros[PART] __attribute__((aligned(64)));

/* Make the page its copy again, of which the parts not in `filled` are zeros; false: it was. */
static bool page_restore_sse(char *page, const char *copy, uint32_t filled)
{
	bool changed = false;

	for (unsigned i = 0; i < PAGE; i += PART, filled >>= 1) {
		const __m128i *c = (const __m128i *)(const void *)(filled & 1 ? copy + i : zeros);
		__m128i *p = (__m128i *)(void *)(page + i), d = _mm_setzero_si128();

		for (unsigned k = 0; k < PART / sizeof(*p); k++)
			d = _mm_or_si128(d, _mm_xor_si128(c[k], p[k]));
		if (_mm_movemask_epi8(_mm_cmpeq_epi8(d, _mm_setzero_si128())) != 0xffff) {
			for (unsigned k = 0; k < PART / sizeof(*p); k++)
				p[k] = c[k];
			changed = true;
		}
	}
	return changed;
}

__attribute__((target("avx2"))) static bool page_restore_avx(char *page, const char *copy, uint32_t filled)
{
	bool changed = false;

	for (unsigned i = 0; i < PAGE; i += PART, filled >>= 1) {
		const __m256i *c = (const __m256i *)(const void *)(filled & 1 ? copy + i : zeros);
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

static bool (*page_restore)(char *page, const char *copy, uint32_t filled);

static bool is_zero(const char *at, size_t n)
{
	for (size_t i = 0; i < n; i += 8)
		if (*(const uint64_t *)(const void *)(at + i))
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
			if (!is_zero(r->first + k * PAGE, PAGE))
				copy_bytes(r->copy + (r->first - r->base) + k * PAGE, r->first + k * PAGE, PAGE);
		copy_bytes(r->copy + (r->first - r->base) + r->pages * PAGE, r->first + r->pages * PAGE,
			(size_t)(r->base + r->size - (r->first + r->pages * PAGE)));
		max_hot += r->pages;
	}
	page_restore = __builtin_cpu_supports("avx2") ? page_restore_avx : page_restore_sse;
	hot_pages = map(max_hot * sizeof(*hot_pages));
	taken = map(max_hot * sizeof(*taken));
	for (unsigned i = 0; i < nregions; i++)
		if (regions[i].pages && mprotect(regions[i].first, regions[i].pages * PAGE, PROT_READ))
			die("fuzz: mprotect");
}

/* The page's state; NULL: not of the snapshot. */
static struct state *state_of(const char *page)
{
	for (unsigned i = 0; i < nregions; i++) {
		size_t k = (size_t)(page - regions[i].first) / PAGE;

		if (page >= regions[i].first && k < regions[i].pages && regions[i].state)
			return &regions[i].state[k];
	}
	return NULL;
}

void snapshot_free(void *base, size_t size)
{
	struct state *t = state_of(base);

	for (size_t k = 0; k < size / PAGE; k++)
		t[k].free = true;
}

void fuzz_host_taken(void *base, size_t size)
{
	struct state *t = state_of(base);

	for (size_t k = 0; t && k < size / PAGE; k++) {
		if (!t[k].free || t[k].taken == (uint32_t)snapshot_stat.resets + 1)
			continue;
		t[k].taken = (uint32_t)snapshot_stat.resets + 1;
		taken[ntaken++] = (struct taken){ (char *)base + k * PAGE, &t[k] };
	}
}

static void heat(struct region *r, size_t k)
{
	struct state *t = &r->state[k];
	struct hot_page *h = &hot_pages[nhot];

	t->hot = true;
	if (t->free)
		return;
	if (!t->patience)
		t->patience = PATIENCE_MIN;
	else if (t->patience < PATIENCE_MAX && (uint32_t)snapshot_stat.resets - t->cold_since < SOON)
		t->patience *= 2;
	*h = (struct hot_page){ r->first + k * PAGE, r->copy + (r->first - r->base) + k * PAGE, t, 0, 0 };
	for (unsigned i = 0; i < PAGE / PART; i++)
		if (!is_zero(h->copy + i * PART, PART))
			h->filled |= UINT32_C(1) << i;
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

/* Of the first region's free pages, the next in turn: who writes to what he does not have must not do it for all later runs. */
static void sweep(void)
{
	static size_t next;
	struct region *r = &regions[0];

	next = next + 1 < r->pages ? next + 1 : 0;
	if (r->state[next].free && r->state[next].hot)
		page_restore(r->first + next * PAGE, NULL, 0);
}

void snapshot_reset(void)
{
	for (unsigned i = 0; i < nregions; i++)
		ends_restore(&regions[i]);
	for (size_t i = 0; i < ntaken; i++)
		if (taken[i].state->hot) {
			snapshot_stat.restored += page_restore(taken[i].page, NULL, 0);
			snapshot_stat.hot++;
		}
	ntaken = 0;
	sweep();
	for (size_t i = 0; i < nhot; i++) {
		struct hot_page *h = &hot_pages[i];

		if (i + AHEAD < nhot) {	/* the hardware looks ahead only within a page */
			__builtin_prefetch(h[AHEAD].page);
			__builtin_prefetch(h[AHEAD].page + 64);
			__builtin_prefetch(h[AHEAD].copy);
			__builtin_prefetch(h[AHEAD].copy + 64);
		}
		if (page_restore(h->page, h->copy, h->filled)) {
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
