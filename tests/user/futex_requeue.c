/* SPDX-License-Identifier: MIT */
/* FUTEX_REQUEUE and FUTEX_CMP_REQUEUE: some wake, some move, in order; a moved waiter is woken, times out and is interrupted there. */
#include "harness.h"
#include "futex_util.h"

static uint32_t a, b;

int main(void)
{
	struct futex_waiter w[6];
	struct timespec ts = { 0, 50000000 };
	uint32_t *sh1, *sh2;
	int bad = 0;

	plan(15);
	for (int i = 0; i < 6; i++) {
		w[i] = (struct futex_waiter){ .addr = &a, .op = FUTEX_WAIT_PRIVATE };
		futex_waiter_start(&w[i]);
	}
	ok_errno(fut(&a, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)10, &b, 7), EAGAIN, "CMP: another value");
	ok(fut(&a, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)3, &b, 0) == 4, "one woken, three moved");
	ok(futex_waiter_join(&w[0]) == 0, "the first woke");
	for (int i = 1; i < 6; i++)
		bad += w[i].done;
	ok(!bad, "nobody else");
	ok(fut(&b, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0) == 1 && futex_waiter_join(&w[1]) == 0, "the second is the first over there");
	ok(fut(&a, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0) == 2 && futex_waiter_join(&w[4]) == 0 && futex_waiter_join(&w[5]) == 0, "two had stayed");
	ok(fut(&b, FUTEX_REQUEUE_PRIVATE, 0, (void *)10, &a, 0) == 2, "REQUEUE: none woken, two moved back");
	ok(fut(&a, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0) == 2 && futex_waiter_join(&w[2]) == 0 && futex_waiter_join(&w[3]) == 0, "woken there");

	w[0] = (struct futex_waiter){ .addr = &a, .op = FUTEX_WAIT_PRIVATE, .timeout = &ts };
	futex_waiter_start(&w[0]);
	fut(&a, FUTEX_REQUEUE_PRIVATE, 0, (void *)1, &b, 0);
	ok(futex_waiter_join(&w[0]) == -1 && errno == ETIMEDOUT, "its time runs out over there");
	ok(fut(&b, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0) == 0, "nothing of it is left");
	/* onto itself */
	w[0] = (struct futex_waiter){ .addr = &a, .op = FUTEX_WAIT_PRIVATE };
	futex_waiter_start(&w[0]);
	ok(fut(&a, FUTEX_CMP_REQUEUE_PRIVATE, 0, (void *)1, &a, 0) == 1 && fut(&a, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0) == 1, "from a word to itself");
	futex_waiter_join(&w[0]);
	/* shared, across processes */
	sh1 = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	sh2 = sh1 + 1024;
	pid_t pid = fork();

	if (!pid)
		_exit(fut(sh1, FUTEX_WAIT, 0, NULL, NULL, 0) == 0 ? 42 : 1);
	wait_sleeping(pid);
	ok(fut(sh1, FUTEX_CMP_REQUEUE, 0, (void *)1, sh2, 0) == 1, "another process's waiter moves");
	ok(fut(sh2, FUTEX_WAKE, 1, NULL, NULL, 0) == 1 && exit_of(pid) == 42, "and wakes there");
	ok_errno(fut(&a, FUTEX_CMP_REQUEUE_PRIVATE, (uint32_t)-1, (void *)1, &b, 0), EINVAL, "a negative count");
	ok_errno(fut(&a, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)1, (char *)&b + 1, 0), EINVAL, "unaligned");
	return done();
}
