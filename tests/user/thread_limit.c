/* SPDX-License-Identifier: MIT */
/* Very many threads at once: as many as the machine has room for, then EAGAIN from pthread_create, and those that are there live on; the same again afterwards. */
#include "harness.h"
#include "child.h"
#include <pthread.h>
#include <sys/resource.h>

enum { MANY = 1500 };
static struct gate hold;
static volatile int ran;
static void *waits(void *arg)
{
	__atomic_add_fetch(&ran, 1, __ATOMIC_SEQ_CST);
	gate_wait(&hold);
	return arg;
}

static int fill(int *error)
{
	static pthread_t t[MANY];
	pthread_attr_t a;
	int n = 0, bad = 0;
	void *v;

	pthread_attr_init(&a);
	pthread_attr_setstacksize(&a, 32768);
	ran = *error = 0;
	while (n < MANY && !(*error = pthread_create(&t[n], &a, waits, &t[n])))
		n++;
	gate_open_n(&hold, n);
	for (int i = 0; i < n; i++)
		bad += pthread_join(t[i], &v) != 0 || v != &t[i];
	return bad || ran != n ? -1 : n;
}

int main(void)
{
	int first, second, err;

	plan(5);
	gate_init(&hold);
	first = fill(&err);
	ok(first >= 200, "at least two hundred threads (%d)", first);
	ok(first == MANY ? !err : err == EAGAIN, "the next one is refused with EAGAIN, or none is (%d)", err);
	second = fill(&err);
	ok(second >= first * 9 / 10, "as many a second time (%d)", second);
	/* a limit of one's own */
	ok(in_child(({
		struct rlimit rl = { 20, 20 };
		setresuid(8765, 8765, 8765);
		setrlimit(RLIMIT_NPROC, &rl);
		int n = fill(&err);
		n == 19 && err == EAGAIN ? 0 : 1; })) == 0, "RLIMIT_NPROC counts threads");
	ok(in_child(0) == 0, "a child can be had");
	return done();
}
