/* SPDX-License-Identifier: MIT */
/* What time it is for files: inode_now() and inode_change_time() say how coarse. */
#include <abi/time.h>
#include <kernel/timer.h>
#include "vfs_internal.h"

static uint64_t stamp_floor;	/* [a] the last exact time that a file got: coarse ones are not before it, unless the clock was set back */

static struct inode_time stamp(uint64_t ns)
{
	return (struct inode_time){ .sec = (int64_t)(ns / NSEC_PER_SEC), .nsec = (uint32_t)(ns % NSEC_PER_SEC) };
}

static uint64_t coarse_ns(uint64_t exact)
{
	uint64_t coarse = exact - exact % ABI_COARSE_NS, floor = __atomic_load_n(&stamp_floor, __ATOMIC_ACQUIRE);

	return floor <= exact ? MAX(coarse, floor) : coarse;
}

/* The later one, unless it is so much later that the clock must have been set back. */
static void raise_floor(uint64_t exact)
{
	uint64_t floor = __atomic_load_n(&stamp_floor, __ATOMIC_RELAXED);

	while ((floor < exact || floor > exact + NSEC_PER_SEC) &&
	       !__atomic_compare_exchange_n(&stamp_floor, &floor, exact, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
}

struct inode_time inode_now(void) { return stamp(coarse_ns(time_real_ns())); }

RACY struct inode_time inode_change_time(struct inode *i)
{
	uint64_t exact = time_real_ns();
	struct inode_time now = stamp(coarse_ns(exact));

	if (likely(!(READ_ONCE(i->state) & ISTATE_SEEN)))
		return now;
	__atomic_fetch_and(&i->state, ~(unsigned)ISTATE_SEEN, __ATOMIC_RELAXED);
	if (!inode_time_same(&now, &i->ctime))
		return now;
	raise_floor(exact);
	return stamp(exact);
}

static bool set_time(struct inode_time *t, const struct inode_time *to)
{
	if (inode_time_same(t, to))
		return false;
	*t = *to;
	return true;
}

void inode_touch(struct inode *i, unsigned what)
{
	struct inode_time now = inode_change_time(i);
	bool changed = false;

	if (what & ATTR_ATIME)
		changed |= set_time(&i->atime, &now);
	if (what & ATTR_MTIME)
		changed |= set_time(&i->mtime, &now);
	if (what & ATTR_CTIME)
		changed |= set_time(&i->ctime, &now);
	if (changed)
		inode_mark_dirty(i);
}
