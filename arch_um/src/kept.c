/* SPDX-License-Identifier: MIT */
/*
 * What a reused stub need not forget.
 *
 * A stub that is used again has the mappings of the program that it ran last.
 * They must be gone before the next program's code runs, but much of what that
 * one begins with is often the same: a shell's children, or one program started
 * again and again, map the same pages of text at the same addresses.  To unmap
 * and map such a page costs the host several microseconds.
 *
 * So what a stub maps without the right to write is written down (NEW).  When
 * the program is gone that becomes OLD, the stub is stale, and its changes are
 * collected as ever, except that a mapping which is there already, the same
 * physical pages at the same address with the same rights, is CLAIMED instead.
 * Before the first batch is done, everything but what was claimed is unmapped
 * (um_kept_seal()).  The result is exactly what unmapping all and mapping
 * everything again would give: it is by the physical address that is asked for
 * now that a mapping is found to be the same, whatever the page was meanwhile.
 *
 * Order: the seal's unmapping comes first, then the changes as they were asked
 * for.  A claim is a mapping made at the very beginning, so it is only right
 * while no change that was asked for earlier touches the place: each change
 * takes what it overlaps off the list (a claimed range, still there when the
 * batch begins, is then HELD: not unmapped by the seal, and not claimed again).
 *
 * The list is short and forgets when it is full: a mapping that is not in it is
 * unmapped, which is always right.  A mapping that is in it but not there (the
 * host refused, the stub forgot all) is found missing by a fault, and a mapping asked
 * for in a stub that is not stale is always made.
 *
 * Locking: the address space's.
 */
#include "kept.h"

enum { READ_ = 1, WRITE_ = 2 };

void um_kept_reset(struct um_kept *k)
{
	k->n = 0;
	k->stale = false;
	k->gaps = 0;
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

static bool add(struct um_kept *k, uint64_t at, uint64_t len, uint64_t pa, uint32_t prot, enum um_kept_state state)
{
	if (k->n == UM_KEPT)
		return false;
	k->r[k->n++] = (struct um_kept_range){ at, len, pa, prot, state };
	return true;
}

/* Take [at, at + len) out of range i; what is left of it before and behind stays, if there is room in the list. */
static void cut(struct um_kept *k, unsigned i, uint64_t at, uint64_t len)
{
	struct um_kept_range r = k->r[i];
	uint64_t end = r.at + r.len;

	drop(k, i);
	if (at > r.at)
		(void)add(k, r.at, at - r.at, r.pa, r.prot, r.state);
	if (at + len < end)
		(void)add(k, at + len, end - at - len, r.pa + (at + len - r.at), r.prot, r.state);
}

static void change(struct um_kept *k, uint64_t at, uint64_t len)
{
	for (unsigned i = 0; i < k->n;) {
		struct um_kept_range *r = &k->r[i];

		if (r->state == UM_KEPT_HELD_ONLY || !overlaps(r, at, len)) {
			i++;
		} else if (r->state == UM_KEPT_CLAIMED) {
			r->state = UM_KEPT_HELD_ONLY;
			i++;
		} else {
			cut(k, i, at, len);	/* what is left is added behind, and does not overlap */
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
		cut(k, (unsigned)(found - k->r), at, len);
		return true;
	}
	cut(k, (unsigned)(found - k->r), at, len);
	/* If the rest of it filled the list, this is unmapped after all. */
	if (!add(k, at, len, pa, prot, UM_KEPT_CLAIMED))
		return false;
	k->gaps += !beside;
	return true;
}

static bool map(struct um_kept *k, uint64_t at, uint64_t len, uint64_t pa, uint32_t prot)
{
	bool keep = prot & READ_ && !(prot & WRITE_);

	if (keep && k->stale && claim(k, at, len, pa, prot))
		return true;
	change(k, at, len);
	if (keep)
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
		change(k, what.addr, what.len);
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

unsigned um_kept_seal(struct um_kept *k, struct stub_op *out)
{
	uint64_t at = 0;
	unsigned n = 0;

	if (!k->stale)
		return 0;
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
			break;
		at = next->at + next->len;
	}
	for (unsigned i = 0; i < k->n;) {
		if (k->r[i].state == UM_KEPT_OLD || k->r[i].state == UM_KEPT_HELD_ONLY) {
			drop(k, i);
		} else {
			k->r[i].state = UM_KEPT_NEW;
			i++;
		}
	}
	k->stale = false;
	k->gaps = 0;
	return n;
}

void um_kept_stale(struct um_kept *k, const struct stub_op *op, unsigned count, bool lost)
{
	bool again = k->stale;

	k->stale = true;
	k->gaps = 0;
	if (lost)
		k->n = 0;
	for (unsigned i = 0; i < k->n;) {
		/* Never sealed: what was mapped for this program was not. */
		if (again && (k->r[i].state == UM_KEPT_NEW || k->r[i].state == UM_KEPT_HELD_ONLY)) {
			drop(k, i);
		} else {
			k->r[i].state = UM_KEPT_OLD;
			i++;
		}
	}
	/* What a change that was not made would have put there is in the list, perhaps in the place of something else. */
	for (; !again && count; count--, op++)
		change(k, op->addr, op->len);
}
