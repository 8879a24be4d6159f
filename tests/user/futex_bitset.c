/* SPDX-License-Identifier: MIT */
/* FUTEX_WAIT_BITSET and WAKE_BITSET: bits select, absolute times of either clock, no bits is an error. */
#include "harness.h"
#include "futex_util.h"

static uint32_t word;

static struct timespec after(clockid_t c, long ns)
{
	struct timespec ts;

	clock_gettime(c, &ts);
	ts.tv_nsec += ns;
	ts.tv_sec += ts.tv_nsec / 1000000000;
	ts.tv_nsec %= 1000000000;
	return ts;
}

int main(void)
{
	struct futex_waiter w[8];
	struct timespec ts;
	int bad = 0;

	plan(12);
	for (int i = 0; i < 8; i++) {
		w[i] = (struct futex_waiter){ .addr = &word, .op = FUTEX_WAIT_BITSET_PRIVATE, .bits = 1u << i };
		futex_waiter_start(&w[i]);
	}
	ok(fut(&word, FUTEX_WAKE_BITSET_PRIVATE, 9, NULL, NULL, 0x80000000) == 0, "bits that nobody has");
	ok(fut(&word, FUTEX_WAKE_BITSET_PRIVATE, 9, NULL, NULL, 0x24) == 2, "two bits, two waiters");
	ok(futex_waiter_join(&w[2]) == 0 && futex_waiter_join(&w[5]) == 0, "the right ones");
	ok(fut(&word, FUTEX_WAKE_BITSET_PRIVATE, 1, NULL, NULL, ~0u) == 1 && futex_waiter_join(&w[0]) == 0, "the count bounds");
	ok(fut(&word, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0) == 5, "a plain wake has all bits");
	for (int i = 0; i < 8; i++)
		if (i != 0 && i != 2 && i != 5)
			bad += futex_waiter_join(&w[i]) != 0;
	ok(!bad, "all back");
	w[0] = (struct futex_waiter){ .addr = &word, .op = FUTEX_WAIT_PRIVATE };
	futex_waiter_start(&w[0]);
	ok(fut(&word, FUTEX_WAKE_BITSET_PRIVATE, 1, NULL, NULL, 0x40) == 1 && futex_waiter_join(&w[0]) == 0, "a plain waiter has all bits");
	ts = after(CLOCK_MONOTONIC, 3000000);
	ok(fut(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, &ts, NULL, 1) == -1 && errno == ETIMEDOUT && now_ns(CLOCK_MONOTONIC) >= ts.tv_sec * 1000000000LL + ts.tv_nsec, "absolute, monotonic");
	ts = after(CLOCK_REALTIME, 3000000);
	ok(fut(&word, FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME, 0, &ts, NULL, 1) == -1 && errno == ETIMEDOUT && now_ns(CLOCK_REALTIME) >= ts.tv_sec * 1000000000LL + ts.tv_nsec, "absolute, real time");
	ok_errno(fut(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, NULL, NULL, 0), EINVAL, "a waiter without bits");
	ok_errno(fut(&word, FUTEX_WAKE_BITSET_PRIVATE, 1, NULL, NULL, 0), EINVAL, "a wake without bits");
	ok_errno(fut(&word, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 1, NULL, NULL, 0), ENOSYS, "a clock where there is no time");
	return done();
}
