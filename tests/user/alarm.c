/* SPDX-License-Identifier: MIT */
/* alarm(2): one per process, replaced and cancelled, whole seconds; kept over execve, not over fork; shared with ITIMER_REAL. */
#include "harness.h"
#include "exec_util.h"
#include <pthread.h>
#include <sys/time.h>

static volatile sig_atomic_t hits;
static void handler(int sig) { (void)sig; hits++; }
static void *sets(void *arg) { alarm(500); return arg; }

int main(int argc, char **argv)
{
	struct itimerval it;
	pthread_t t;
	long long start;

	if (argc > 1)
		return (int)alarm(0) > 300 ? 42 : 1;
	plan(12);
	signal(SIGALRM, handler);
	ok(alarm(100) == 0, "none before");
	ok(alarm(200) == 100, "it is replaced; what was left, rounded up");
	getitimer(ITIMER_REAL, &it);
	ok(it.it_value.tv_sec >= 198 && it.it_value.tv_sec < 200 + (it.it_value.tv_usec == 0) && it.it_interval.tv_sec == 0, "ITIMER_REAL is the same timer");
	ok(alarm(0) == 200, "cancelled");
	getitimer(ITIMER_REAL, &it);
	ok(it.it_value.tv_sec == 0 && it.it_value.tv_usec == 0, "nothing left");
	it.it_value = (struct timeval){ 0, 100000 };
	setitimer(ITIMER_REAL, &it, NULL);
	ok(alarm(0) == 1, "less than a second counts as one");
	alarm(300);
	ok(in_child(alarm(0)) == 0, "a child has none");
	ok(in_child((alarm(400), execl(self_path(), "x", "child", NULL))) == 42, "execve keeps it");
	pthread_create(&t, NULL, sets, NULL);
	pthread_join(t, NULL);
	ok(alarm(0) == 500, "one for all threads, and it outlives who set it");
	start = now_ns(CLOCK_MONOTONIC);
	alarm(1);
	while (!hits)
		pause();
	start = now_ns(CLOCK_MONOTONIC) - start;
	ok(hits == 1 && start >= 999000000LL, "it comes, not too early (%lld ms)", start / 1000000);
	ok(alarm(0) == 0, "and once");
	ok(in_child((signal(SIGALRM, SIG_DFL), alarm(1), pause())) == 1000 + SIGALRM, "by default it kills");
	return done();
}
