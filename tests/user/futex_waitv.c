/* SPDX-License-Identifier: MIT */
/* futex_waitv(2): waits for several words at once, tells which, compares all first, times out, errors. */
#include "harness.h"
#include "futex_util.h"

struct waitv { uint64_t val, uaddr; uint32_t flags, reserved; };
enum { SIZE32 = 2, PRIVATE = 128, SYS_FUTEX_WAITV = 449 };
static uint32_t words[128];
static struct waitv v[129];
static volatile long result;
static volatile pid_t tid;
static int count = 3;

static void *waiter(void *arg)
{
	(void)arg;
	tid = (pid_t)syscall(SYS_gettid);
	result = syscall(SYS_FUTEX_WAITV, v, count, 0, NULL, CLOCK_MONOTONIC);
	return NULL;
}
static long woken_by(int i)
{
	pthread_t t;

	tid = 0;
	pthread_create(&t, NULL, waiter, NULL);
	while (!tid)
		sched_yield();
	wait_thread_sleeping(tid);
	while (fut(&words[i], FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0) != 1)	/* it counts as asleep before it is on every list */
		sched_yield();
	pthread_join(t, NULL);
	return result;
}

int main(void)
{
	struct timespec past = { 1, 0 };
	int bad = 0;

	for (int i = 0; i < 129; i++)
		v[i] = (struct waitv){ 0, (uintptr_t)&words[i & 127], SIZE32 | PRIVATE, 0 };
	if (syscall(SYS_FUTEX_WAITV, v, 0, 0, NULL, 0) == -1 && errno == ENOSYS) {
		plan(1);
		ok(1, "skipped # SKIP this Linux has no futex_waitv");
		return done();
	}
	plan(13);
	for (int i = 0; i < 3; i++)
		bad += woken_by(i) != i;
	ok(!bad, "each of three wakes it, and its index is returned");
	count = 128;
	ok(woken_by(127) == 127 && woken_by(0) == 0, "128 words");
	ok(fut(&words[5], FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0) == 0, "nothing stays queued");
	words[2] = 1;
	ok_errno(syscall(SYS_FUTEX_WAITV, v, 3, 0, NULL, CLOCK_MONOTONIC), EAGAIN, "one has another value");
	words[2] = 0;
	ok_errno(syscall(SYS_FUTEX_WAITV, v, 3, 0, &past, CLOCK_MONOTONIC), ETIMEDOUT, "a time that has passed");
	ok_errno(syscall(SYS_FUTEX_WAITV, v, 3, 0, &past, CLOCK_REALTIME), ETIMEDOUT, "of the other clock");
	ok_errno(syscall(SYS_FUTEX_WAITV, v, 3, 0, &past, CLOCK_PROCESS_CPUTIME_ID), EINVAL, "of no such clock");
	ok_errno(syscall(SYS_FUTEX_WAITV, v, 0, 0, NULL, 0), EINVAL, "none");
	ok_errno(syscall(SYS_FUTEX_WAITV, v, 129, 0, NULL, 0), EINVAL, "more than 128");
	ok_errno(syscall(SYS_FUTEX_WAITV, v, 3, 1, NULL, 0), EINVAL, "flags");
	v[1].flags = 1;
	ok_errno(syscall(SYS_FUTEX_WAITV, v, 3, 0, NULL, 0), EINVAL, "a word of another size");
	v[1].flags = SIZE32 | PRIVATE;
	v[1].reserved = 1;
	ok_errno(syscall(SYS_FUTEX_WAITV, v, 3, 0, NULL, 0), EINVAL, "reserved bits");
	v[1].reserved = 0;
	ok_errno(syscall(SYS_FUTEX_WAITV, (void *)64, 3, 0, NULL, 0), EFAULT, "EFAULT");
	return done();
}
