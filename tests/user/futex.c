/* SPDX-License-Identifier: MIT */
/* futex(2) itself: wait, wake, bitsets, requeue, wake_op, PI, shared and private, times, errors, waitv. */
#include "harness.h"
#include "child.h"
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint32_t word, word2;
static int woken;

static long fut(uint32_t *a, int op, uint32_t val, const void *t, uint32_t *b, uint32_t v3)
{
	return syscall(SYS_futex, a, op, val, t, b, v3);
}
static volatile pid_t tids[4];
static int started;
static void here(void) { tids[__atomic_fetch_add(&started, 1, __ATOMIC_SEQ_CST)] = (pid_t)syscall(SYS_gettid); }
/* Each of these n threads sleeps, or has ended. */
static void settle(int n)
{
	for (int i = 0; i < n; i++) {
		wait_until(tids[i]);
		wait_thread_sleeping(tids[i]);
	}
}
static void others(void)	/* new threads from here on */
{
	memset((void *)tids, 0, sizeof(tids));
	started = 0;
}
static void *waiter(void *arg)
{
	(void)arg;
	here();
	if (fut(&word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0) == 0)
		__atomic_add_fetch(&woken, 1, __ATOMIC_SEQ_CST);
	return NULL;
}
static void *waiter_bits(void *arg)
{
	here();
	if (fut(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, NULL, NULL, (uint32_t)(uintptr_t)arg) == 0)
		__atomic_or_fetch(&woken, (int)(uintptr_t)arg, __ATOMIC_SEQ_CST);
	return NULL;
}
static void *pi_lock(void *arg)
{
	long r;

	here();
	r = fut(arg, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0);

	if (r == 0 && (*(uint32_t *)arg & FUTEX_TID_MASK) == (uint32_t)syscall(SYS_gettid)) {
		__atomic_add_fetch(&woken, 1, __ATOMIC_SEQ_CST);
		fut(arg, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
	}
	return NULL;
}

int main(void)
{
	struct timespec ts = { 0, 20000000 }, now;
	pthread_t t[4];
	uint32_t *shared, self = (uint32_t)syscall(SYS_gettid);
	pid_t pid;
	int st;

	plan(33);
	ok_errno(fut(&word, FUTEX_WAIT, 1, NULL, NULL, 0), EAGAIN, "another value");
	ok_errno(fut(&word, FUTEX_WAIT, 0, &ts, NULL, 0), ETIMEDOUT, "a relative time");
	ok_errno(fut((uint32_t *)((char *)&word + 1), FUTEX_WAIT, 0, NULL, NULL, 0), EINVAL, "unaligned");
	ok_errno(fut((uint32_t *)8, FUTEX_WAIT, 0, NULL, NULL, 0), EFAULT, "nothing mapped there");
	ok_errno(fut(&word, 99, 0, NULL, NULL, 0), ENOSYS, "an unknown operation");
	ok_errno(fut(&word, FUTEX_WAIT, 0, &(struct timespec){ 0, 2000000000 }, NULL, 0), EINVAL, "a bad time");
	ok_errno(fut(&word, FUTEX_WAIT_BITSET, 0, NULL, NULL, 0), EINVAL, "no bits");
	clock_gettime(CLOCK_MONOTONIC, &now);
	ok_errno(fut(&word, FUTEX_WAIT_BITSET, 0, &now, NULL, ~0u), ETIMEDOUT, "an absolute time that has passed");
	clock_gettime(CLOCK_REALTIME, &now);
	now.tv_nsec += 10000000;
	if (now.tv_nsec >= 1000000000) { now.tv_sec++; now.tv_nsec -= 1000000000; }
	ok_errno(fut(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &now, NULL, ~0u), ETIMEDOUT, "on the real-time clock");
	ok(fut(&word, FUTEX_WAKE, 1, NULL, NULL, 0) == 0, "nobody to wake");

	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, waiter, NULL);
	settle(4);
	ok(fut(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0) == 1, "wake one");
	wait_until(__atomic_load_n(&woken, __ATOMIC_SEQ_CST));
	settle(4);
	ok(woken == 1, "one");
	ok(fut(&word, FUTEX_WAKE, 9, NULL, NULL, 0) == 0, "shared and private do not meet");
	ok(fut(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)2, &word2, 0) == 3, "wake one, requeue two");
	ok_errno(fut(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)2, &word2, 7), EAGAIN, "requeue compares");
	wait_until(__atomic_load_n(&woken, __ATOMIC_SEQ_CST) > 1);
	settle(4);
	ok(woken == 2 && fut(&word, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0) == 0, "the first word has none left");
	ok(fut(&word2, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0) == 2, "they wait on the second");
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	ok(woken == 4, "all are back");

	woken = 0;
	others();
	pthread_create(&t[0], NULL, waiter_bits, (void *)1);
	pthread_create(&t[1], NULL, waiter_bits, (void *)2);
	settle(2);
	ok(fut(&word, FUTEX_WAKE_BITSET_PRIVATE, 9, NULL, NULL, 2) == 1, "wake by bits");
	pthread_join(t[1], NULL);
	ok(woken == 2, "the right one");
	fut(&word, FUTEX_WAKE_BITSET_PRIVATE, 9, NULL, NULL, ~0u);
	pthread_join(t[0], NULL);

	/* wake_op: word2 += 5, and wake word2's waiters if it was 0 */
	woken = 0;
	word2 = 0;
	others();
	pthread_create(&t[0], NULL, waiter, NULL);
	settle(1);
	ok(fut(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &word2, FUTEX_OP(FUTEX_OP_ADD, 5, FUTEX_OP_CMP_EQ, 0)) == 1 && word2 == 5, "FUTEX_WAKE_OP");
	pthread_join(t[0], NULL);
	ok(woken == 1, "woke");

	/* between processes */
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid = fork();
	if (!pid)
		_exit(fut(shared, FUTEX_WAIT, 0, NULL, NULL, 0) == 0 ? 0 : 1);
	wait_sleeping(pid);
	ok(fut(shared, FUTEX_WAKE, 1, NULL, NULL, 0) == 1, "a waiter in another process");
	waitpid(pid, &st, 0);
	ok(WIFEXITED(st) && WEXITSTATUS(st) == 0, "woke");
	FILE *f = tmpfile();
	if (ftruncate(fileno(f), 4096))
		bail("ftruncate");
	uint32_t *m1 = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(f), 0);
	pid = fork();
	if (!pid) {
		uint32_t *m2 = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(f), 0);

		_exit(fut(m2 + 5, FUTEX_WAIT, 0, NULL, NULL, 0) == 0 ? 0 : 1);
	}
	wait_sleeping(pid);
	ok(fut(m1 + 5, FUTEX_WAKE, 1, NULL, NULL, 0) == 1, "in a file, mapped elsewhere");
	waitpid(pid, &st, 0);

	/* PI */
	word = 0;
	ok(fut(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0) == 0 && word == self, "lock");
	ok_errno(fut(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), EDEADLK, "twice");
	woken = 0;
	others();
	pthread_create(&t[0], NULL, pi_lock, &word);
	pthread_create(&t[1], NULL, pi_lock, &word);
	settle(2);
	ok(word == (self | FUTEX_WAITERS), "FUTEX_WAITERS is set");
	ok(fut(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0) == 0, "unlock");
	pthread_join(t[0], NULL);
	pthread_join(t[1], NULL);
	ok(woken == 2 && word == 0, "both had it (%d), and it is free (%#x)", woken, word);
	ok_errno(fut(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), EPERM, "unlock of what is not ours");
	word = 4194302;
	ok_errno(fut(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), ESRCH, "an owner that does not exist");

	struct { uint64_t val, uaddr; uint32_t flags, reserved; } v[2] = { { 0, (uintptr_t)&word2, 2 | 128, 0 }, { 5, (uintptr_t)&word2, 2 | 128, 0 } };
	word = word2 = 5;
	ok(syscall(449, v, 2, 0, NULL, 0) == -1 && (errno == EAGAIN || errno == ENOSYS), "futex_waitv: another value");
	return done();
}
