/* SPDX-License-Identifier: MIT */
/*
 * Error sequences: write-back fails when nobody is there to be told, and then everybody who had a hand in it is to hear of
 * it, each once (fsync(2): "ERRORS", EIO; Linux: Documentation/core-api/errseq.rst).
 *
 * The word has the latest error in bits 0-11, bit 12 once somebody was told of it, and above them how many there have been.  Who wants to
 * hear keeps the word as he last saw it: another count means news.  All zeros: no error ever.
 */
#ifndef KERNEL_ERRSEQ_H
#define KERNEL_ERRSEQ_H
#include <kernel/compiler.h>

typedef uint64_t errseq_t;
#define ERRSEQ_TOLD	(1ull << 12)
#define ERRSEQ_ONE	(1ull << 13)

/* There was an error: err is below 0.  Any context. */
static inline void errseq_set(errseq_t *e, int err)
{
	errseq_t old = __atomic_load_n(e, __ATOMIC_RELAXED), now;

	do {
		now = ((old & ~(ERRSEQ_ONE - 1)) + ERRSEQ_ONE) | (errseq_t)-err;
	} while (!__atomic_compare_exchange_n(e, &old, now, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

/* Where errors from now on begin. */
static inline errseq_t errseq_now(const errseq_t *e)
{
	return __atomic_load_n(e, __ATOMIC_ACQUIRE);
}

/* The same for who comes new (open(2)): an error of which nobody was told yet is news to him, too. */
static inline errseq_t errseq_sample(const errseq_t *e)
{
	errseq_t now = errseq_now(e);

	return now & ERRSEQ_TOLD ? now : 0;
}

/* The latest error behind `since`, below 0; 0: none. */
static inline int errseq_check(const errseq_t *e, errseq_t since)
{
	errseq_t now = errseq_now(e);

	return now / ERRSEQ_ONE == since / ERRSEQ_ONE ? 0 : -(int)(now & (ERRSEQ_TOLD - 1));
}

/* The same, and it has been told: *since, which the caller has locked, is behind it now. */
static inline int errseq_advance(errseq_t *e, errseq_t *since)
{
	errseq_t now = errseq_now(e);

	do {
		if (now / ERRSEQ_ONE == *since / ERRSEQ_ONE)
			return 0;
	} while (!(now & ERRSEQ_TOLD) && !__atomic_compare_exchange_n(e, &now, now | ERRSEQ_TOLD, true, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
	*since = now | ERRSEQ_TOLD;
	return -(int)(now & (ERRSEQ_TOLD - 1));
}
#endif
