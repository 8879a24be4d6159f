/* SPDX-License-Identifier: MIT */
/* FUTEX_WAIT_REQUEUE_PI and FUTEX_CMP_REQUEUE_PI: waiters of a word go on to a PI lock without waking, get it one by one, and every misuse is refused. */
#include "harness.h"
#include "futex_util.h"

static uint32_t cond, lock;
static volatile int holders, most, got;

static void *waits_then_unlocks(void *arg)
{
	struct futex_waiter *w = arg;
	uint32_t self = (uint32_t)syscall(SYS_gettid);

	w->tid = (pid_t)self;
	w->result = fut(&cond, FUTEX_WAIT_REQUEUE_PI_PRIVATE, 0, NULL, &lock, 0);
	w->error = errno;
	if (w->result == 0 && (lock & FUTEX_TID_MASK) == self) {
		int now = __atomic_add_fetch(&holders, 1, __ATOMIC_SEQ_CST);

		if (now > most)
			most = now;
		sched_yield();
		got++;
		__atomic_sub_fetch(&holders, 1, __ATOMIC_SEQ_CST);
		fut(&lock, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
	}
	return NULL;
}
static void start(struct futex_waiter *w)
{
	w->tid = 0;
	if (pthread_create(&w->thread, NULL, waits_then_unlocks, w))
		bail("thread");
	while (!w->tid)
		sched_yield();
	wait_thread_sleeping(w->tid);
}
static volatile sig_atomic_t hits;
static void handler(int sig) { (void)sig; hits++; }

int main(void)
{
	struct futex_waiter w[5] = { 0 };
	uint32_t self = (uint32_t)syscall(SYS_gettid), other = 0;
	struct timespec ts;

	plan(19);
	ok_errno(fut(&cond, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, NULL, &lock, 7), EAGAIN, "another value");
	ok(fut(&cond, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, (void *)5, &lock, 0) == 0, "nobody waits");
	ok_errno(fut(&cond, FUTEX_CMP_REQUEUE_PI_PRIVATE, 2, (void *)5, &lock, 0), EINVAL, "only one may be woken");
	ok_errno(fut(&cond, FUTEX_WAIT_REQUEUE_PI_PRIVATE, 1, NULL, &lock, 0), EAGAIN, "a wait compares");
	ok_errno(fut(&cond, FUTEX_WAIT_REQUEUE_PI_PRIVATE, 0, NULL, &cond, 0), EINVAL, "the same word twice");
	clock_gettime(CLOCK_MONOTONIC, &ts);
	ok_errno(fut(&cond, FUTEX_WAIT_REQUEUE_PI_PRIVATE, 0, &ts, &lock, 0), ETIMEDOUT, "a time that has passed");

	/* a free lock: the first has it at once */
	start(&w[0]);
	ok(fut(&cond, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, (void *)0, &lock, 0) == 1, "one, to a free lock");
	pthread_join(w[0].thread, NULL);
	ok(w[0].result == 0 && got == 1 && lock == 0, "has it");
	/* a lock that is held: all wait there */
	fut(&lock, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0);
	for (int i = 0; i < 5; i++)
		start(&w[i]);
	ok_errno(fut(&cond, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), EINVAL, "a plain wake is refused");
	ok_errno(fut(&cond, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, (void *)5, &other, 0), EINVAL, "and another lock than they named");
	ok(fut(&cond, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, (void *)INT32_MAX, &lock, 0) == 5, "five move to a lock that is held");
	ok(lock == (self | FUTEX_WAITERS) && got == 1, "and wait for its owner");
	fut(&lock, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
	for (int i = 0; i < 5; i++)
		pthread_join(w[i].thread, NULL);
	ok(got == 6 && most == 1 && lock == 0, "each has it, one at a time");
	/* time runs out at the lock */
	fut(&lock, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0);
	struct futex_waiter t = { .addr = &cond, .op = FUTEX_WAIT_REQUEUE_PI_PRIVATE, .timeout = &ts, .addr2 = &lock };

	long moved = 0;

	for (long ms = 100; ms < 10000 && !moved; ms *= 2) {	/* longer, if it was over before the move */
		clock_gettime(CLOCK_MONOTONIC, &ts);
		ts.tv_nsec += ms % 1000 * 1000000;
		ts.tv_sec += ms / 1000 + ts.tv_nsec / 1000000000;
		ts.tv_nsec %= 1000000000;
		futex_waiter_start(&t);
		moved = fut(&cond, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, (void *)0, &lock, 0);
		if (!moved)
			futex_waiter_join(&t);
	}
	ok(moved == 1, "moved");
	ok(futex_waiter_join(&t) == -1 && errno == ETIMEDOUT, "its time runs out there");
	/* a signal after the move: EWOULDBLOCK, for it cannot be restarted */
	struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_RESTART };

	sigaction(SIGUSR1, &sa, NULL);
	t.timeout = NULL;
	futex_waiter_start(&t);
	pthread_kill(t.thread, SIGUSR1);
	while (!hits)
		sched_yield();
	ok(wait_thread_sleeping(t.tid) && !t.done, "a signal before the move: the wait is restarted");
	fut(&lock, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
	ok(fut(&cond, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, (void *)0, &lock, 0) == 1 && futex_waiter_join(&t) == 0, "and ends well");
	lock = 0;
	/* a plain waiter in the way */
	struct futex_waiter p = { .addr = &cond, .op = FUTEX_WAIT_PRIVATE };

	futex_waiter_start(&p);
	ok_errno(fut(&cond, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, (void *)1, &lock, 0), EINVAL, "a plain waiter cannot be moved so");
	fut(&cond, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	ok(futex_waiter_join(&p) == 0, "but woken");
	return done();
}
