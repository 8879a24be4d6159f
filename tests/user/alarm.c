/* SPDX-License-Identifier: MIT */
/* alarm(2): one per process, replaced and cancelled, whole seconds; kept over execve, not over fork; shared with ITIMER_REAL. */
#include "harness.h"
#include "exec_util.h"
#include <pthread.h>
#include <sys/time.h>

static volatile sig_atomic_t hits;
static void handler(int sig) { (void)sig; hits++; }
/* alarm(2) tells whole seconds, to the nearest: of `set`, since `start`. */
static int is_left(unsigned got, unsigned set, long long start)
{
	double least = set - (double)(now_ns(CLOCK_MONOTONIC) - start) / 1e9;

	return got <= set && got >= (unsigned)(least + 0.5);
}
static void *sets(void *arg) { alarm(500); return arg; }

int main(int argc, char **argv)
{
	struct itimerval it;
	pthread_t t;
	long long start;
	unsigned left;

	if (argc > 1)
		return (int)alarm(0) > 300 ? 42 : 1;
	plan(12);
	signal(SIGALRM, handler);
	start = now_ns(CLOCK_MONOTONIC);
	ok(alarm(100) == 0, "none before");
	left = alarm(200);
	ok(is_left(left, 100, start), "it is replaced; what was left, rounded up");
	getitimer(ITIMER_REAL, &it);
	ok(it.it_value.tv_sec >= 100 && it.it_value.tv_sec < 200 + (it.it_value.tv_usec == 0) && it.it_interval.tv_sec == 0, "ITIMER_REAL is the same timer");
	left = alarm(0);
	ok(is_left(left, 200, start), "cancelled");
	getitimer(ITIMER_REAL, &it);
	ok(it.it_value.tv_sec == 0 && it.it_value.tv_usec == 0, "nothing left");
	it.it_value = (struct timeval){ 0, 100000 };
	do {		/* unless it came meanwhile */
		hits = 0;
		setitimer(ITIMER_REAL, &it, NULL);
		left = alarm(0);
	} while (hits);
	ok(left == 1, "less than a second counts as one");
	alarm(300);
	ok(in_child(alarm(0)) == 0, "a child has none");
	ok(in_child((alarm(400), execl(self_path(), "x", "child", NULL))) == 42, "execve keeps it");
	pthread_create(&t, NULL, sets, NULL);
	pthread_join(t, NULL);
	left = alarm(0);
	ok(left > 400 && left <= 500, "one for all threads, and it outlives who set it");
	start = now_ns(CLOCK_MONOTONIC);
	alarm(1);
	wait_until(hits);
	start = now_ns(CLOCK_MONOTONIC) - start;
	ok(hits == 1 && start >= 999000000LL, "it comes, not too early (%lld ms)", start / 1000000);
	ok(alarm(0) == 0, "and once");
	ok(in_child((signal(SIGALRM, SIG_DFL), alarm(1), pause())) == 1000 + SIGALRM, "by default it kills");
	return done();
}
