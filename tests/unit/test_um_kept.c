/* SPDX-License-Identifier: MIT */
/*
 * What a reused stub need not forget (arch_um/src/kept.c), on a host that exists
 * only here: many programs one after the other in one stub, each of which maps,
 * unmaps and protects at random, with the same few pages of text and of data again and again.
 * Whenever its code could run, the stub must map exactly what the program asked
 * for and nothing of the ones before.
 */
#include <kernel/string.h>
#include "unit.h"
#include "../../arch_um/src/kept.c"

enum { PAGES = 96, TEXT = 48, PAGE = 4096 };
static uint64_t host[PAGES], want[PAGES];	/* physical address | rights; 0: nothing */
static uint64_t seed;
static unsigned kept_pages, unmapped, few, between;

static unsigned dice(unsigned n)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned)(seed >> 33) % n;
}

static void make(uint64_t *map, const struct stub_op *op)
{
	for (uint64_t i = op->addr / PAGE, n = 0; n < op->len / PAGE && i < PAGES; i++, n++) {
		if (op->kind == STUB_OP_MAP)
			map[i] = (op->off + n * PAGE) | op->prot;
		else if (op->kind == STUB_OP_UNMAP)
			map[i] = 0;
		else if (map[i])
			map[i] = (map[i] & ~(uint64_t)7) | op->prot;
	}
}

/* The stub does a batch.  Sometimes the host refuses one, and the stub forgets all. */
static void batch(struct um_kept *k, struct stub_op *op, uint32_t *count, bool *lost)
{
	struct stub_op forget[UM_KEPT_GAPS + 1];
	bool was_stale = k->stale;
	unsigned n = um_kept_seal(k, forget);

	CHECK(n <= UM_KEPT_GAPS + 1 && n + *count <= STUB_OPS && (!n || was_stale));
	if (was_stale)
		++*(n && forget[0].addr == 0 && forget[n - 1].addr + forget[n - 1].len == STUB_BASE ? &between : &few);
	for (unsigned i = 0; i < n; i++) {
		unmapped++;
		make(host, &forget[i]);
	}
	for (unsigned i = 0; was_stale && i < PAGES; i++)
		kept_pages += host[i] != 0;
	for (unsigned i = 0; i < *count; i++)
		make(host, &op[i]);
	*count = 0;
	for (unsigned i = 0; i < PAGES; i++)
		CHECK(host[i] == want[i] || (*lost && !host[i]));
	if (!dice(50)) {
		memset(host, 0, sizeof(host));
		*lost = true;
	}
}

static struct stub_op change_of_program(unsigned shift)
{
	struct stub_op op = { .addr = dice(PAGES), .len = 1 + dice(dice(4) ? 4 : 30), .kind = STUB_OP_MAP };

	op.len = op.addr + op.len > PAGES ? PAGES - op.addr : op.len;
	switch (dice(10)) {
	case 0:
		op.kind = STUB_OP_UNMAP;
		break;
	case 1:
		op.kind = STUB_OP_PROTECT;
		op.prot = 1 + dice(7);
		break;
	case 2:
	case 3:
		op.off = (dice(2) ? 1000 + dice(50) : 2000 + op.addr) * PAGE;	/* memory of its own, often where it was the last time */
		op.prot = dice(9) ? 3 : 2;
		break;
	default:
		/* Text: of its pages all but a few are always the same. */
		op.addr = dice(TEXT);
		op.len = op.addr + op.len > TEXT ? TEXT - op.addr : op.len;
		op.off = (op.addr + (dice(8) ? 200 : 200 + shift)) * PAGE;
		op.prot = dice(6) ? 5 : 1;
		break;
	}
	op.addr *= PAGE;
	op.len *= PAGE;
	return op;
}

/* What the n-th thing is that a run's program always does first; now and then it does not. */
static struct stub_op change_as_ever(unsigned run, unsigned n)
{
	struct stub_op op;
	uint64_t now = seed;

	seed = (uint64_t)run * 977 + n;
	(void)dice(2);
	op = change_of_program(0);
	seed = now;
	return dice(20) ? op : change_of_program(1);
}

static void programs_find_what_they_asked_for(void)
{
	static struct stub_op op[STUB_OPS];
	static struct um_kept k;

	for (unsigned run = 0; run < 80; run++) {
		const unsigned most = run % 2 ? 120 : 5, same = run % 2 ? 0 : 2 + run % 8;	/* more than the list can hold, or not */
		uint32_t count = 0;

		seed = run;
		memset(host, 0, sizeof(host));
		um_kept_reset(&k);
		for (unsigned life = 0; life < 200; life++) {
			bool lost = false;

			memset(want, 0, sizeof(want));
			for (unsigned n = 0, all = same + dice(most); n < all; n++) {
				struct stub_op what = n < same ? change_as_ever(run, n) : change_of_program(life % 3);

				if (!um_kept_put(&k, op, &count, what)) {
					batch(&k, op, &count, &lost);
					CHECK(um_kept_put(&k, op, &count, what));
				}
				make(want, &what);
				if (n >= same && !dice(same ? 3 : 20))
					batch(&k, op, &count, &lost);
			}
			if (same && dice(2))
				batch(&k, op, &count, &lost);
			um_kept_stale(&k, op, count, lost);
			count = 0;
		}
	}
	CHECK(kept_pages > 3000 && unmapped > 4000 && few > 1000 && between > 4000);
}

/* The usual case: the same program again.  Its text costs nothing, nor does data in the same pages; other data is forgotten. */
static void the_same_program_again(void)
{
	static struct stub_op op[STUB_OPS];
	static struct um_kept k;
	struct stub_op forget[UM_KEPT_GAPS + 1], text = { 0x400000, 0x40000, 0x800000, STUB_OP_MAP, 5 };
	struct stub_op data = { 0x500000, 0x4000, 0x900000, STUB_OP_MAP, 3 };
	uint32_t count = 0;

	um_kept_reset(&k);
	CHECK(um_kept_put(&k, op, &count, text) && um_kept_put(&k, op, &count, data));
	CHECK(count == 2 && !um_kept_seal(&k, forget));
	um_kept_stale(&k, op, 0, false);
	count = 0;
	CHECK(um_kept_put(&k, op, &count, text) && um_kept_put(&k, op, &count, data));
	CHECK(count == 0 && !um_kept_seal(&k, forget));
	um_kept_stale(&k, op, 0, false);
	data.off += 0x4000;
	CHECK(um_kept_put(&k, op, &count, text) && um_kept_put(&k, op, &count, data));
	CHECK(count == 1 && op[0].addr == data.addr && op[0].off == data.off);
	CHECK_EQ(um_kept_seal(&k, forget), 1);
	CHECK(forget[0].addr == data.addr && forget[0].len == data.len && forget[0].kind == STUB_OP_UNMAP);
	/* Told again while it runs, it may be that the host has lost it: that is always done. */
	count = 0;
	CHECK(um_kept_put(&k, op, &count, text) && count == 1);
}

/* More than the list holds: all between what is wanted again goes. */
static void more_than_can_be_remembered(void)
{
	static struct stub_op op[STUB_OPS];
	static struct um_kept k;
	struct stub_op forget[UM_KEPT_GAPS + 1], text = { 0x400000, 0x40000, 0x800000, STUB_OP_MAP, 5 };
	uint32_t count = 0;

	um_kept_reset(&k);
	CHECK(um_kept_put(&k, op, &count, text));
	for (unsigned i = 0; i < 2 * UM_KEPT; i++) {
		struct stub_op page = { 0x500000 + i * 0x2000, PAGE, 0x900000 + i * PAGE, STUB_OP_MAP, i % 2 ? 3 : 1 };

		count = 0;
		CHECK(um_kept_put(&k, op, &count, page));
	}
	um_kept_stale(&k, op, 0, false);
	count = 0;
	CHECK(um_kept_put(&k, op, &count, text) && count == 0);
	CHECK_EQ(um_kept_seal(&k, forget), 2);
	CHECK(forget[0].addr == 0 && forget[0].len == text.addr);
	CHECK(forget[1].addr == text.addr + text.len && forget[1].addr + forget[1].len == STUB_BASE);
}

const struct unit_test unit_tests[] = {
	{ "programs_find_what_they_asked_for", programs_find_what_they_asked_for },
	{ "the_same_program_again", the_same_program_again },
	{ "more_than_can_be_remembered", more_than_can_be_remembered },
	{ 0 },
};
