/* SPDX-License-Identifier: MIT */
/* futex_wake(2), futex_wait(2), futex_requeue(2): the futex calls of one operation each, their flags and errors, and that they meet futex(2)'s waiters. */
#include "harness.h"
#include "futex_util.h"

#define FUTEX2_U32 2
#define FUTEX2_PRIV 128
struct waitv { uint64_t val, uaddr; uint32_t flags, reserved; };

static long wake(void *a, uint64_t mask, int n, unsigned flags) { return syscall(454, a, mask, n, flags); }
static long wait2(void *a, uint64_t val, uint64_t mask, unsigned flags, const struct timespec *ts, int clock) { return syscall(455, a, val, mask, flags, ts, clock); }
static long requeue(struct waitv *w, unsigned flags, int nwake, int nmove) { return syscall(456, w, flags, nwake, nmove); }

static uint32_t a, b;
static volatile pid_t tid;
static uint64_t bits = ~0u;
static void *waits(void *arg)
{
	tid = (pid_t)syscall(SYS_gettid);
	return (void *)(wait2(&a, 0, bits, FUTEX2_U32 | FUTEX2_PRIV, NULL, 0) + (long)arg);
}
static pthread_t start(uint64_t with)
{
	pthread_t t;

	bits = with;
	tid = 0;
	pthread_create(&t, NULL, waits, (void *)7L);
	while (!tid)
		sched_yield();
	wait_thread_sleeping(tid);
	return t;
}
static long result(pthread_t t)
{
	void *v;

	pthread_join(t, &v);
	return (long)v - 7;
}
static struct timespec in(clockid_t c, long ns)
{
	struct timespec ts;

	clock_gettime(c, &ts);
	ts.tv_nsec += ns;
	ts.tv_sec += ts.tv_nsec / 1000000000;
	ts.tv_nsec %= 1000000000;
	return ts;
}
static volatile sig_atomic_t hits;
static struct gate handled;
static void handler(int sig) { (void)sig; hits++; gate_open(&handled); }

int main(void)
{
	struct timespec ts, bad = { 0, 2000000000 };
	struct futex_waiter w;
	struct waitv v[2] = { { 0, (uintptr_t)&a, FUTEX2_U32 | FUTEX2_PRIV, 0 }, { 0, (uintptr_t)&b, FUTEX2_U32 | FUTEX2_PRIV, 0 } };
	pthread_t t, u;
	uint32_t *sh = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	plan(39);
	ok(wake(&a, ~0u, 1, FUTEX2_U32 | FUTEX2_PRIV) == 0, "nobody to wake");
	ok_errno(wake(&a, ~0u, 1, 0), EINVAL, "words of 8 bits");
	ok_errno(wake(&a, ~0u, 1, 3), EINVAL, "of 64");
	ok_errno(wake(&a, ~0u, 1, FUTEX2_U32 | 0x40), EINVAL, "an unknown flag");
	ok_errno(wake(&a, 0, 1, FUTEX2_U32), EINVAL, "without a mask");
	ok_errno(wake(&a, 1ull << 32, 1, FUTEX2_U32), EINVAL, "a mask that is no word");
	ok_errno(wake((char *)&a + 1, ~0u, 1, FUTEX2_U32), EINVAL, "unaligned");
	ok_errno(wake((void *)8, ~0u, 1, FUTEX2_U32), EFAULT, "nothing mapped there");
	ok_errno(wait2(&a, 1, ~0u, FUTEX2_U32, NULL, 0), EAGAIN, "another value");
	ok_errno(wait2(&a, 1ull << 32, ~0u, FUTEX2_U32, NULL, 0), EINVAL, "a value that is no word");
	ok_errno(wait2(&a, 0, 0, FUTEX2_U32, NULL, 0), EINVAL, "waiting for no bit");
	ok_errno(wait2(&a, 0, ~0u, 1, NULL, 0), EINVAL, "words of 16 bits");
	ok_errno(wait2(&a, 0, ~0u, FUTEX2_U32, &bad, CLOCK_MONOTONIC), EINVAL, "no time at all");
	ts = in(CLOCK_MONOTONIC, 0);
	ok_errno(wait2(&a, 0, ~0u, FUTEX2_U32, &ts, CLOCK_BOOTTIME), EINVAL, "a clock it does not take");
	ok_errno(wait2(&a, 0, ~0u, FUTEX2_U32, (struct timespec *)8, CLOCK_MONOTONIC), EFAULT, "a time from nowhere");
	ts = in(CLOCK_MONOTONIC, 3000000);
	ok(wait2(&a, 0, ~0u, FUTEX2_U32, &ts, CLOCK_MONOTONIC) == -1 && errno == ETIMEDOUT && now_ns(CLOCK_MONOTONIC) >= ts.tv_sec * 1000000000LL + ts.tv_nsec, "absolute, monotonic");
	ts = in(CLOCK_REALTIME, 3000000);
	ok(wait2(&a, 0, ~0u, FUTEX2_U32 | FUTEX2_PRIV, &ts, CLOCK_REALTIME) == -1 && errno == ETIMEDOUT && now_ns(CLOCK_REALTIME) >= ts.tv_sec * 1000000000LL + ts.tv_nsec, "real time");

	t = start(2);
	u = start(4);
	ok(wake(&a, 8, 9, FUTEX2_U32 | FUTEX2_PRIV) == 0, "bits that nobody has");
	ok(wake(&a, ~0u, 0, FUTEX2_U32 | FUTEX2_PRIV) == 0, "to wake none wakes none");
	ok(wake(&a, ~0u, 9, FUTEX2_U32) == 0, "shared and private do not meet");
	ok(wake(&a, 4, 9, FUTEX2_U32 | FUTEX2_PRIV) == 1 && result(u) == 0, "by bits");
	ok(fut(&a, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0) == 1 && result(t) == 0, "futex(2) wakes them");
	w = (struct futex_waiter){ .addr = &a, .op = FUTEX_WAIT_PRIVATE };
	futex_waiter_start(&w);
	ok(wake(&a, 1, 1, FUTEX2_U32 | FUTEX2_PRIV) == 1 && futex_waiter_join(&w) == 0, "and its waiters are woken");
	pid = fork();
	if (!pid)
		_exit(wait2(sh, 0, ~0u, FUTEX2_U32, NULL, 0) ? 1 : 42);
	wait_sleeping(pid);
	ok(wake(sh, ~0u, 1, FUTEX2_U32) == 1 && exit_of(pid) == 42, "between processes");

	/* signals */
	gate_init(&handled);
	for (int restart = 0; restart < 2; restart++) {
		struct sigaction sa = { .sa_handler = handler, .sa_flags = restart ? SA_RESTART : 0 };

		fflush(stdout);
		pid = fork();
		if (!pid) {
			sigaction(SIGUSR1, &sa, NULL);
			long r = wait2(sh, 0, ~0u, FUTEX2_U32, NULL, 0);
			_exit(r == 0 ? 40 + hits : errno == EINTR ? 50 + hits : 1);
		}
		wait_sleeping(pid);
		kill(pid, SIGUSR1);
		gate_wait(&handled);
		if (restart) {
			wait_sleeping(pid);
			wait_until(wake(sh, ~0u, 1, FUTEX2_U32) != 0 || task_state(pid, 0) == 'Z');
			int st = exit_of(pid);
			ok(st == 41, "with SA_RESTART it goes on waiting (%d)", st);
		} else {
			ok(exit_of(pid) == 51, "a handler ends it: EINTR");
		}
	}

	/* requeue */
	ok_errno(requeue(v, 1, 1, 1), EINVAL, "requeue: flags");
	ok_errno(requeue(NULL, 0, 1, 1), EINVAL, "no words");
	ok_errno(requeue((void *)8, 0, 1, 1), EFAULT, "words from nowhere");
	ok_errno(requeue(v, 0, -1, 1), EINVAL, "a negative count");
	ok_errno(requeue(v, 0, 1, -1), EINVAL, "either");
	v[1].flags = 0;
	ok_errno(requeue(v, 0, 1, 1), EINVAL, "a second word of 8 bits");
	v[1].flags = FUTEX2_U32 | FUTEX2_PRIV;
	v[1].reserved = 1;
	ok_errno(requeue(v, 0, 1, 1), EINVAL, "the reserved field");
	v[1].reserved = 0;
	v[0].val = 3;
	ok_errno(requeue(v, 0, 1, 1), EAGAIN, "another value");
	v[0].val = 0;
	t = start(~0u);
	u = start(~0u);
	ok(requeue(v, 0, 1, 1) == 2, "one woken, one moved");
	ok(result(t) == 0, "the first");
	ok(wake(&a, ~0u, 9, FUTEX2_U32 | FUTEX2_PRIV) == 0, "nobody is left at the first word");
	ok(wake(&b, ~0u, 9, FUTEX2_U32 | FUTEX2_PRIV) == 1 && result(u) == 0, "one is at the second");
	v[1] = (struct waitv){ 0, (uintptr_t)sh, FUTEX2_U32, 0 };
	ok_errno(requeue(v, 0, 0, 5), EINVAL, "from a private word to a shared one: the two have the same flags");
	return done();
}
