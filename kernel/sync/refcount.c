/* SPDX-License-Identifier: MIT */
/*
 * A reference count that went wrong: it wrapped (2^31 references to one
 * object), or was used when it was already zero, which is somebody's bug.  The
 * object may be gone or not; to lose it is better than to free it twice.  So
 * the count goes to the middle of the negative numbers, from where neither
 * direction leads to zero.
 */
#include <kernel/lock.h>
#include <kernel/print.h>

enum { LOST = INT32_MIN / 2 };

void ref_is_bad(struct refcount *r)
{
#ifndef EFT_DEBUG
	static bool said;
#endif

	__atomic_store_n(&r->n, LOST, __ATOMIC_RELAXED);
#ifdef EFT_DEBUG
	panic("reference count %p is used after it was zero, or is full", (void *)r);
#else
	if (!__atomic_exchange_n(&said, true, __ATOMIC_RELAXED))
		klog_err("reference count %p is used after it was zero, or is full: its object is lost", (void *)r);
#endif
}
