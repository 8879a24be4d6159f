/* SPDX-License-Identifier: MIT */
/* What a stub maps: see kept.c. */
#ifndef UM_KEPT_H
#define UM_KEPT_H
#include <host/stub_abi.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { UM_KEPT = 64, UM_KEPT_GAPS = 20 };
/*
 * OLD: mapped by the last program.  CLAIMED: by it, and asked for again.  HELD: that no longer, but still there.  GONE: by it, and
 * not to be claimed.  NEW: this one's.
 */
enum um_kept_state { UM_KEPT_OLD, UM_KEPT_CLAIMED, UM_KEPT_HELD_ONLY, UM_KEPT_GONE, UM_KEPT_NEW };
struct um_kept {
	unsigned n;
	unsigned claims;	/* since the last seal */
	unsigned gaps;		/* the seal leaves at most so many holes in what it unmaps */
	bool stale;		/* the stub still has what the last program left */
	bool old_whole;		/* while stale: that is all in the list (and perhaps more) */
	bool whole;		/* what this program has mapped is all in the list */
	struct um_kept_range {
		uint64_t at, len, pa;
		uint32_t prot;
		enum um_kept_state state;
	} r[UM_KEPT];
};

/* A new process: nothing is mapped. */
void um_kept_reset(struct um_kept *k);
/* The program is gone, and so are these changes, which nobody made.  lost: the stub had to forget everything. */
void um_kept_stale(struct um_kept *k, const struct stub_op *op, unsigned count, bool lost);
/*
 * One more change, to be made after the *count in op; what changes nothing is left out, and neighbours are merged.  False: op is
 * full: those have to be made first.
 */
bool um_kept_put(struct um_kept *k, struct stub_op *op, uint32_t *count, struct stub_op what);
/* What a stale stub must forget before these changes: at most UM_KEPT_GAPS + 1 operations.  How many. */
unsigned um_kept_seal(struct um_kept *k, struct stub_op *out);
#endif
