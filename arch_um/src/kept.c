/* SPDX-License-Identifier: MIT */
/*
 * What a reused stub need not forget.
 *
 * A stub that is used again has the mappings of the program that it ran last.
 * They must be gone before the next program's code runs, but much of what that
 * one begins with is often the same: a shell's children, or one program started
 * again and again, map the same pages of text at the same addresses, and what a
 * fork copies is in the same pages as the last time (kernel/mm/fork_pages.c).
 * To unmap and map such a page costs the host several microseconds.
 *
 * So what a stub maps is written down (NEW).  When the program is gone that
 * becomes OLD, the stub is stale, and its changes are collected as ever, except
 * that a mapping which is there already, the same physical pages at the same
 * address with the same rights, is CLAIMED instead.  Before the first batch is
 * done, everything but what was claimed is unmapped (um_kept_seal()).  The
 * result is exactly what unmapping all and mapping everything again would give:
 * it is by the physical address that is asked for now that a mapping is found to
 * be the same, whatever the page was meanwhile.
 *
 * While the list has all that is mapped, what was not claimed can be unmapped piece by piece: often nothing.  When something did not
 * fit into it, or the pieces are many, all that lies between the claimed ranges is: also right.
 *
 * Order: the seal's unmapping comes first, then the changes as they were asked
 * for.  A claim is a mapping made at the very beginning, so it is only right
 * while no change that was asked for earlier touches the place: each change
 * takes what it overlaps off the list (a claimed range, still there when the
 * batch begins, is then HELD: not unmapped by the seal, and not claimed again;
 * one of the last program's is GONE: unmapped by the seal, and not claimed).
 *
 * A mapping that is in the list but not there (the host refused, the stub forgot
 * all) is found missing by a fault, and a mapping asked for in a stub that is not
 * stale is always made.
 *
 * Locking: the address space's.
 */
#include "kept.h"

enum { READ_ = 1, WRITE_ = 2, WRITABLE_MOST = 24 };

void um_kept_reset(struct um_kept *k)
{
	k->n = 0;
	k->stale = false;
	k->gaps = 0;
	k->whole = true;
}

static bool overlaps(const struct um_kept_range *r, uint64_t at, uint64_t len)
{
	return r->at < at + len && at < r->at + r->len;
}

static bool same_object(const struct um_kept_range *r, uint64_t at, uint64_t pa, uint32_t prot)
{
	return r->prot == prot && r->pa - r->at == pa - at;
}

static void drop(struct um_kept *k, unsigned i) { k->r[i] = k->r[--k->n]; }

/* What is written to comes and goes: not in the place of all text. */
static bool full(const struct um_kept *k, uint32_t prot)
{
	unsigned writable = 0;

	for (unsigned i = 0; prot & WRITE_ && i < k->n; i++)
		writable += (k->r[i].prot & WRITE_) != 0;
	return k->n == UM_KEPT || writable >= WRITABLE_MOST;
}

static bool add(struct um_kept *k, uint64_t at, uint64_t len, uint64_t pa, uint32_t prot, enum um_kept_state state)
{
	if (full(k, prot)) {
		*(state == UM_KEPT_NEW ? &k->whole : &k->old_whole) = false;
		return false;
	}
	k->r[k->n++] = (struct um_kept_range){ at, len, pa, prot, state };
	return true;
}

/* Take [at, at + len) out of range i; what is left of it before and behind stays, if there is room in the list.  Returns what was taken. */
static struct um_kept_range cut(struct um_kept *k, unsigned i, uint64_t at, uint64_t len)
{
	struct um_kept_range r = k->r[i];
	uint64_t from = at > r.at ? at : r.at, end = r.at + r.len, to = at + len < end ? at + len : end;

	drop(k, i);
	if (from > r.at)
		(void)add(k, r.at, from - r.at, r.pa, r.prot, r.state);
	if (to < end)
		(void)add(k, to, end - to, r.pa + (to - r.at), r.prot, r.state);
	return (struct um_kept_range){ from, to - from, r.pa + (from - r.at), r.prot, r.state };
}

/* The last program's, to be unmapped: what lies beside each other is one. */
static void add_gone(struct um_kept *k, uint64_t at, uint64_t len)
{
	for (unsigned i = 0; i < k->n; i++) {
		struct um_kept_range *r = &k->r[i];

		if (r->state != UM_KEPT_GONE || at > r->at + r->len || r->at > at + len)
			continue;
		uint64_t from = r->at < at ? r->at : at, to = r->at + r->len > at + len ? r->at + r->len : at + len;

		r->at = from;
		r->len = to - from;
		return;
	}
	(void)add(k, at, len, 0, 0, UM_KEPT_GONE);
}

/* [at, at + len) is about to change: only in its rights, if `prot` is not NULL. */
static void change(struct um_kept *k, uint64_t at, uint64_t len, const uint32_t *prot)
{
	for (unsigned i = 0; i < k->n;) {
		struct um_kept_range *r = &k->r[i];

		if (r->state == UM_KEPT_HELD_ONLY || r->state == UM_KEPT_GONE || !overlaps(r, at, len) ||
		    (r->state == UM_KEPT_NEW && prot && r->prot == *prot)) {
			i++;
		} else if (r->state == UM_KEPT_CLAIMED) {
			r->state = UM_KEPT_HELD_ONLY;
			i++;
		} else {
			/* What is left, and what is added, is behind, and is not for us. */
			struct um_kept_range c = cut(k, i, at, len);

			if (c.state == UM_KEPT_OLD)
				add_gone(k, c.at, c.len);
			else if (prot)
				(void)add(k, c.at, c.len, c.pa, *prot, UM_KEPT_NEW);
		}
	}
}

static void add_new(struct um_kept *k, uint64_t at, uint64_t len, uint64_t pa, uint32_t prot)
{
	for (unsigned i = 0; i < k->n; i++) {
		struct um_kept_range *r = &k->r[i];

		if (r->state != UM_KEPT_NEW || !same_object(r, at, pa, prot))
			continue;
		if (r->at + r->len == at) {
			r->len += len;
			return;
		}
		if (at + len == r->at) {
			r->at = at;
			r->pa = pa;
			r->len += len;
			return;
		}
	}
	(void)add(k, at, len, pa, prot, UM_KEPT_NEW);
}

static bool claim(struct um_kept *k, uint64_t at, uint64_t len, uint64_t pa, uint32_t prot)
{
	struct um_kept_range *found = NULL, *behind = NULL;
	bool beside = false;

	for (unsigned i = 0; i < k->n; i++) {
		struct um_kept_range *r = &k->r[i];

		if (r->state <= UM_KEPT_CLAIMED && r->at <= at && at + len <= r->at + r->len && same_object(r, at, pa, prot))
			found = r;
		if (r->state != UM_KEPT_CLAIMED && r->state != UM_KEPT_HELD_ONLY)
			continue;
		beside |= r->at + r->len == at || at + len == r->at;
		if (r->state == UM_KEPT_CLAIMED && r->at + r->len == at && same_object(r, at, pa, prot))
			behind = r;
	}
	if (!found)
		return false;
	if (found->state == UM_KEPT_CLAIMED)
		return true;
	if (!beside && k->gaps == UM_KEPT_GAPS)
		return false;
	if (behind) {
		/* First, because a cut may move it. */
		behind->len += len;
		(void)cut(k, (unsigned)(found - k->r), at, len);
		return true;
	}
	(void)cut(k, (unsigned)(found - k->r), at, len);
	/* If the rest of it filled the list, this is unmapped after all. */
	if (!add(k, at, len, pa, prot, UM_KEPT_CLAIMED))
		return false;
	k->gaps += !beside;
	return true;
}

static bool map(struct um_kept *k, uint64_t at, uint64_t len, uint64_t pa, uint32_t prot)
{
	if (prot & READ_ && k->stale && claim(k, at, len, pa, prot)) {
		k->claims++;
		return true;
	}
	change(k, at, len, NULL);
	add_new(k, at, len, pa, prot);
	return false;
}

static bool empty(const struct um_kept *k, const struct stub_op *op, unsigned count, uint64_t at, uint64_t len)
{
	if (!k->stale)
		return false;
	for (unsigned i = 0; i < k->n; i++)
		if ((k->r[i].state == UM_KEPT_CLAIMED || k->r[i].state == UM_KEPT_HELD_ONLY) && overlaps(&k->r[i], at, len))
			return false;
	for (; count; count--, op++)
		if (op->addr < at + len && at < op->addr + op->len)
			return false;
	return true;
}

/* Is a queued change the same mapping, or more of it, and no later one in its place? */
static bool queued(const struct stub_op *op, uint32_t count, const struct stub_op *what)
{
	while (count) {
		const struct stub_op *o = &op[--count];

		if (o->addr < what->addr + what->len && what->addr < o->addr + o->len)
			return o->kind == STUB_OP_MAP && o->addr <= what->addr && what->addr + what->len <= o->addr + o->len &&
				o->off - o->addr == what->off - what->addr && o->prot == what->prot;
	}
	return false;
}

bool um_kept_put(struct um_kept *k, struct stub_op *op, uint32_t *count, struct stub_op what)
{
	if (*count >= STUB_OPS - (k->stale ? UM_KEPT_GAPS + 1 : 0))
		return false;
	if (what.kind == STUB_OP_MAP) {
		if (queued(op, *count, &what) || map(k, what.addr, what.len, what.off, what.prot))
			return true;
	} else {
		if (empty(k, op, *count, what.addr, what.len))
			return true;
		change(k, what.addr, what.len, what.kind == STUB_OP_PROTECT ? &what.prot : NULL);
	}
	if (*count) {
		struct stub_op *last = &op[*count - 1];

		if (last->kind == what.kind && last->addr + last->len == what.addr && last->prot == what.prot &&
		    (what.kind != STUB_OP_MAP || last->off + last->len == what.off)) {
			last->len += what.len;
			return true;
		}
	}
	op[(*count)++] = what;
	return true;
}

/* Unmap all but what was claimed. */
static unsigned seal_between(const struct um_kept *k, struct stub_op *out)
{
	uint64_t at = 0;
	unsigned n = 0;

	for (;;) {
		const struct um_kept_range *next = NULL;
		uint64_t to = STUB_BASE;

		for (unsigned i = 0; i < k->n; i++) {
			const struct um_kept_range *r = &k->r[i];

			if ((r->state == UM_KEPT_CLAIMED || r->state == UM_KEPT_HELD_ONLY) && r->at >= at && r->at < to) {
				next = r;
				to = r->at;
			}
		}
		if (at < to)
			out[n++] = (struct stub_op){ at, to - at, 0, STUB_OP_UNMAP, 0 };
		if (!next)
			return n;
		at = next->at + next->len;
	}
}

/* Unmap what is in the list and was not claimed.  n: too many if it is not fewer than so many. */
static unsigned seal_listed(const struct um_kept *k, struct stub_op *out, unsigned n)
{
	unsigned count = 0;

	for (unsigned i = 0; i < k->n; i++)
		count += k->r[i].state == UM_KEPT_OLD || k->r[i].state == UM_KEPT_GONE;
	if (count >= n)
		return n;
	for (unsigned i = 0; i < k->n; i++)
		if (k->r[i].state == UM_KEPT_OLD || k->r[i].state == UM_KEPT_GONE)
			*out++ = (struct stub_op){ k->r[i].at, k->r[i].len, 0, STUB_OP_UNMAP, 0 };
	return count;
}

unsigned um_kept_seal(struct um_kept *k, struct stub_op *out)
{
	unsigned n;

	if (!k->stale)
		return 0;
	n = seal_between(k, out);
	if (k->old_whole)
		n = seal_listed(k, out, n);
	for (unsigned i = 0; i < k->n;) {
		struct um_kept_range *r = &k->r[i];

		k->whole &= r->state != UM_KEPT_HELD_ONLY;	/* what becomes of it is not known here */
		if (r->state == UM_KEPT_CLAIMED)
			r->state = UM_KEPT_NEW;
		if (r->state == UM_KEPT_NEW)
			i++;
		else
			drop(k, i);
	}
	k->stale = false;
	k->gaps = 0;
	return n;
}

void um_kept_stale(struct um_kept *k, const struct stub_op *op, unsigned count, bool lost)
{
	bool again = k->stale;

	if (!again)
		k->old_whole = k->whole;
	k->stale = k->whole = true;
	k->gaps = k->claims = 0;
	if (lost) {
		k->n = 0;
		k->old_whole = false;
	}
	for (unsigned i = 0; i < k->n;) {
		struct um_kept_range *r = &k->r[i];

		/* Never sealed: what was to be mapped for this program was not, and what was there still is. */
		if (again && r->state == UM_KEPT_NEW) {
			drop(k, i);
			continue;
		}
		if (r->state == UM_KEPT_HELD_ONLY)
			r->state = UM_KEPT_GONE;
		else if (r->state != UM_KEPT_GONE)
			r->state = UM_KEPT_OLD;
		i++;
	}
	/* Where a change was not made: what it would have put there is in the list, perhaps in the place of something else. */
	for (; !again && count; count--, op++) {
		change(k, op->addr, op->len, NULL);
		add_gone(k, op->addr, op->len);
	}
}
