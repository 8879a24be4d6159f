/* SPDX-License-Identifier: MIT */
/* FUTEX_WAKE and FUTEX_WAKE_OP: how many, whom first, none lost against waiters that arrive; every operation and comparison. */
#include "harness.h"
#include "futex_util.h"

static uint32_t word, word2;
static volatile int phase;

static void *ping(void *arg)	/* takes turns by the word's value */
{
	uint32_t me = (uint32_t)(long)arg;

	for (int i = 0; i < 20000; i++) {
		while (__atomic_load_n(&word, __ATOMIC_SEQ_CST) != me)
			fut(&word, FUTEX_WAIT_PRIVATE, !me, NULL, NULL, 0);
		__atomic_store_n(&word, !me, __ATOMIC_SEQ_CST);
		fut(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	}
	phase++;
	return NULL;
}

int main(void)
{
	static const struct { int op, arg, start, result; } ops[] = {
		{ FUTEX_OP_SET, 9, 4, 9 }, { FUTEX_OP_ADD, 3, 4, 7 }, { FUTEX_OP_ADD, -1, 4, 3 }, { FUTEX_OP_OR, 3, 4, 7 },
		{ FUTEX_OP_ANDN, 4, 7, 3 }, { FUTEX_OP_XOR, 6, 3, 5 },
		{ FUTEX_OP_SET | FUTEX_OP_OPARG_SHIFT, 5, 0, 32 }, { FUTEX_OP_OR | FUTEX_OP_OPARG_SHIFT, 3, 1, 9 },
	};
	static const struct { int cmp, arg, old, want; } cmps[] = {
		{ FUTEX_OP_CMP_EQ, 5, 5, 1 }, { FUTEX_OP_CMP_EQ, 4, 5, 0 }, { FUTEX_OP_CMP_NE, 4, 5, 1 }, { FUTEX_OP_CMP_NE, 5, 5, 0 },
		{ FUTEX_OP_CMP_LT, 6, 5, 1 }, { FUTEX_OP_CMP_LT, 5, 5, 0 }, { FUTEX_OP_CMP_LE, 5, 5, 1 }, { FUTEX_OP_CMP_LE, 4, 5, 0 },
		{ FUTEX_OP_CMP_GT, 4, 5, 1 }, { FUTEX_OP_CMP_GT, 5, 5, 0 }, { FUTEX_OP_CMP_GE, 5, 5, 1 }, { FUTEX_OP_CMP_GE, 6, 5, 0 },
		{ FUTEX_OP_CMP_LT, 0, -1, 1 },
	};
	struct futex_waiter w[6];
	pthread_t t[2];
	uint32_t *ro;
	int bad = 0;

	plan(15);
	ok(fut(&word, FUTEX_WAKE, 1, NULL, NULL, 0) == 0, "nobody waits");
	for (int i = 0; i < 6; i++) {
		w[i] = (struct futex_waiter){ .addr = &word, .op = FUTEX_WAIT_PRIVATE };
		futex_waiter_start(&w[i]);
	}
	ok(fut(&word, FUTEX_WAKE_PRIVATE, 2, NULL, NULL, 0) == 2, "two of six");
	ok(futex_waiter_join(&w[0]) == 0 && futex_waiter_join(&w[1]) == 0, "those that came first");
	bad = 0;
	for (int i = 2; i < 6; i++)
		bad += w[i].done;
	ok(!bad, "the rest sleep");
	ok(fut(&word, FUTEX_WAKE_PRIVATE, 0, NULL, NULL, 0) <= 1, "none or one for 0");
	fut(&word, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
	for (int i = 2; i < 6; i++)
		bad += futex_waiter_join(&w[i]) != 0;
	ok(!bad, "all");
	for (long i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, ping, (void *)i);
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	ok(phase == 2, "twenty thousand turns without a lost wake-up");

	word = 0;
	for (unsigned i = bad = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		word2 = (uint32_t)ops[i].start;
		bad += fut(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &word2, FUTEX_OP(ops[i].op, (unsigned)ops[i].arg & 0xfff, FUTEX_OP_CMP_EQ, 0)) != 0 || word2 != (uint32_t)ops[i].result;
	}
	ok(!bad, "WAKE_OP: every operation (%d bad)", bad);
	for (unsigned i = bad = 0; i < sizeof(cmps) / sizeof(cmps[0]); i++) {
		long n;

		word2 = (uint32_t)cmps[i].old;
		w[0] = (struct futex_waiter){ .addr = &word2, .op = FUTEX_WAIT_PRIVATE, .val = word2 };
		futex_waiter_start(&w[0]);
		n = fut(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &word2, FUTEX_OP(FUTEX_OP_ADD, 0, cmps[i].cmp, cmps[i].arg));
		if (n != cmps[i].want)
			bad++;
		if (n != 1)
			fut(&word2, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
		futex_waiter_join(&w[0]);
	}
	ok(!bad, "every comparison, with the value of before (%d bad)", bad);
	w[0] = (struct futex_waiter){ .addr = &word, .op = FUTEX_WAIT_PRIVATE };
	futex_waiter_start(&w[0]);
	word2 = 0;
	ok(fut(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &word2, FUTEX_OP(FUTEX_OP_SET, 1, FUTEX_OP_CMP_EQ, 5)) == 1 && futex_waiter_join(&w[0]) == 0, "the first word's waiters in any case");
	ok_errno(fut(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &word2, FUTEX_OP(7, 1, FUTEX_OP_CMP_EQ, 5)), ENOSYS, "no such operation");
	ok_errno(fut(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, (void *)64, FUTEX_OP(0, 1, 0, 5)), EFAULT, "EFAULT");
	ro = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ok_errno(fut(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, ro, FUTEX_OP(0, 1, 0, 5)), EFAULT, "EFAULT: not to be written");
	ok_errno(fut((char *)&word + 1, FUTEX_WAKE, 1, NULL, NULL, 0), EINVAL, "unaligned");
	ok(fut((void *)64, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0) == 0, "a private word need not exist to be woken");
	return done();
}
