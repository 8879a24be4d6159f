/* SPDX-License-Identifier: MIT */
/* FUTEX_LOCK_PI and its family: the word holds the owner, it is handed over by priority, the owner inherits, through others too, circles are refused, the dead are noticed, time-outs, errors. */
#include "harness.h"
#include "futex_util.h"
#include <sched.h>

static uint32_t word;
static int order[8], n;
static struct gate go;

static void *locker(void *arg)
{
	int prio = (int)(long)arg;
	struct sched_param sp = { .sched_priority = prio };
	uint32_t self = (uint32_t)syscall(SYS_gettid);

	if (prio)
		sched_setscheduler(0, SCHED_FIFO, &sp);
	if (fut(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0) == 0 && (word & FUTEX_TID_MASK) == self) {
		order[n++] = prio;
		fut(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
	}
	return NULL;
}
static void *dies_with_it(void *arg)
{
	fut(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0);
	gate_wait(&go);
	syscall(SYS_exit, 0);
	return arg;
}

static pid_t tids[8];
static void *locker_tid(void *arg) { long i = (long)arg & 0xf; tids[i] = (pid_t)syscall(SYS_gettid); return locker((void *)((long)arg >> 4)); }

/* What a thread runs with: field 18 of its stat. */
static int priority_of(pid_t tid)
{
	char path[64], line[1024], *p;
	FILE *f;
	int prio = 1000, field = 2;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	f = fopen(path, "r");
	if (!f || !fgets(line, sizeof(line), f))
		bail("%s", path);
	fclose(f);
	for (p = strrchr(line, ')'); p && field < 18; field++)
		p = strchr(p + 1, ' ');
	if (p)
		prio = atoi(p);
	return prio;
}

/* Takes its own, then waits for the next one's; what that says. */
static uint32_t ring[4];
static struct gate own, on;
struct ring_thread { pthread_t thread; volatile pid_t tid; int i, prio, error; };
static void *ring_run(void *arg)
{
	struct ring_thread *r = arg;
	struct sched_param sp = { .sched_priority = r->prio };

	if (r->prio)
		sched_setscheduler(0, SCHED_FIFO, &sp);
	fut(&ring[r->i], FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0);
	gate_open(&own);
	gate_wait(&on);
	r->tid = (pid_t)syscall(SYS_gettid);
	r->error = fut(&ring[r->i - 1], FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0) ? errno : 0;
	if (!r->error)
		fut(&ring[r->i - 1], FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
	fut(&ring[r->i], FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
	return NULL;
}

static void chain(int can)
{
	uint32_t self = (uint32_t)syscall(SYS_gettid);
	struct timespec soon;
	struct ring_thread r[4] = { { 0 } };
	int before = priority_of((pid_t)self);

	fut(&ring[0], FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0);
	for (int i = 1; i < 4; i++) {
		r[i].i = i;
		r[i].prio = can && i == 3 ? 5 : 0;
		pthread_create(&r[i].thread, NULL, ring_run, &r[i]);
		gate_wait(&own);
		gate_open(&on);
		while (!r[i].tid)
			sched_yield();
		wait_thread_sleeping(r[i].tid);
	}
	/* 3 waits for 2, 2 for 1, 1 for us */
	ok(!can || (priority_of(r[2].tid) == -6 && priority_of(r[1].tid) == -6 && priority_of((pid_t)self) == -6),
	   "a priority goes down the chain of who waits for whom (%d %d %d)", priority_of(r[2].tid), priority_of(r[1].tid), priority_of((pid_t)self));
	clock_gettime(CLOCK_REALTIME, &soon);
	soon.tv_sec += 5;
	ok_errno(fut(&ring[3], FUTEX_LOCK_PI_PRIVATE, 0, &soon, NULL, 0), EDEADLK, "who is waited for may not wait for the last of them");
	ok_errno(fut(&ring[1], FUTEX_LOCK_PI_PRIVATE, 0, &soon, NULL, 0), EDEADLK, "nor for the first");
	ok_errno(fut(&ring[3], FUTEX_TRYLOCK_PI_PRIVATE, 0, NULL, NULL, 0), EAGAIN, "a try waits for nobody");
	fut(&ring[0], FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
	for (int i = 1; i < 4; i++)
		pthread_join(r[i].thread, NULL);
	ok(!r[1].error && !r[2].error && !r[3].error && !ring[0] && !ring[1] && !ring[2] && !ring[3], "then each has its turn");
	ok(priority_of((pid_t)self) == before, "and the priority is gone");
}

int main(void)
{
	uint32_t self = (uint32_t)syscall(SYS_gettid);
	struct timespec past = { 1, 0 }, soon;
	pthread_t t[4];
	int can;

	plan(25);
	gate_init(&go);
	ok(fut(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0) == 0 && word == self, "a free one: our number");
	ok_errno(fut(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), EDEADLK, "ours already");
	ok_errno(fut(&word, FUTEX_TRYLOCK_PI_PRIVATE, 0, NULL, NULL, 0), EDEADLK, "a try, too");
	ok(fut(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0) == 0 && word == 0, "unlock: 0");
	ok_errno(fut(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), EPERM, "not ours");
	ok(fut(&word, FUTEX_TRYLOCK_PI_PRIVATE, 0, NULL, NULL, 0) == 0 && word == self, "a try takes a free one");

	/* four wait, of different priorities: the highest is next, whenever it came */
	can = in_child(sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){ .sched_priority = 1 }) != 0) == 0;
	for (long i = 0; i < 4; i++) {
		static const int prio[] = { 1, 3, 2, 4 };

		tids[i] = 0;
		pthread_create(&t[i], NULL, locker_tid, (void *)(i | (long)(can ? prio[i] : 0) << 4));
		while (!__atomic_load_n(&tids[i], __ATOMIC_SEQ_CST))
			sched_yield();
		wait_thread_sleeping(tids[i]);
	}
	ok(word == (self | FUTEX_WAITERS), "the waiters' bit");
	ok(fut(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0) == 0, "unlocked");
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	ok(n == 4 && word == 0, "all had it, and it is free");
	ok(!can || (order[0] == 4 && order[1] == 3 && order[2] == 2 && order[3] == 1), "by priority (%d %d %d %d)", order[0], order[1], order[2], order[3]);

	fut(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0);
	struct futex_waiter w = { .addr = &word, .op = FUTEX_LOCK_PI_PRIVATE, .timeout = &past };
	futex_waiter_start(&w);
	ok(futex_waiter_join(&w) == -1 && errno == ETIMEDOUT, "a time that has passed, real time");
	clock_gettime(CLOCK_REALTIME, &soon);
	soon.tv_nsec += 5000000;
	soon.tv_sec += soon.tv_nsec / 1000000000;
	soon.tv_nsec %= 1000000000;
	w.timeout = &soon;
	futex_waiter_start(&w);
	ok(futex_waiter_join(&w) == -1 && errno == ETIMEDOUT && now_ns(CLOCK_REALTIME) >= soon.tv_sec * 1000000000LL + soon.tv_nsec, "a time that comes");
	w.op = FUTEX_TRYLOCK_PI_PRIVATE;
	futex_waiter_start(&w);
	ok(futex_waiter_join(&w) == -1 && errno == EAGAIN, "a try by another: EAGAIN");
	ok(fut(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0) == 0 && word == 0, "nobody is left waiting");

	/* an owner that dies without unlocking (and without a robust list): the waiter is told */
	pthread_create(&t[0], NULL, dies_with_it, NULL);
	while (!__atomic_load_n(&word, __ATOMIC_SEQ_CST))
		sched_yield();
	w = (struct futex_waiter){ .addr = &word, .op = FUTEX_LOCK_PI_PRIVATE };
	futex_waiter_start(&w);
	gate_open(&go);
	long r = futex_waiter_join(&w);
	ok((r == 0 && word & FUTEX_OWNER_DIED) || (r == -1 && (errno == ESRCH || errno == EOWNERDEAD)), "the owner died (%ld, %#x)", r, word);
	pthread_detach(t[0]);
	word = 0x3ffffffe;
	ok_errno(fut(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), ESRCH, "an owner who does not exist");
	word = 0;
	ok_errno(fut((char *)&word + 1, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), EINVAL, "unaligned");
	ok_errno(fut((void *)64, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), EFAULT, "EFAULT");
	uint32_t *ro = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ok_errno(fut(ro, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), EFAULT, "memory that cannot be written");
	gate_init(&own);
	gate_init(&on);
	chain(can);
	return done();
}
