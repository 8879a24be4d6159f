/* SPDX-License-Identifier: MIT */
/*
 * fork(2) while another thread writes: the child has the memory of one moment.  The writer sets pages in the order of their addresses,
 * or in the other one; what the child sees must be what they all said at some time.
 */
#include "harness.h"
#include "child.h"
#include <pthread.h>
#include <sys/mman.h>

enum { PAGE = 4096, PAGES = 8, FORKS = 400 };

static volatile unsigned long *page[PAGES];
static volatile int stop, pause_often;

static void *writer(void *up)
{
	for (unsigned long i = 1; !stop; i++) {
		for (int k = 0; k < PAGES; k++)
			__atomic_store_n(page[up ? k : PAGES - 1 - k], i, __ATOMIC_SEQ_CST);
		if (pause_often && i % 64 == 0)
			sched_yield();
		if (pause_often && i % 1024 == 0)
			usleep(1);
	}
	return NULL;
}

/* In the order of writing no page is ahead of the one before it, and none is behind the first by more than one. */
static int one_moment(int up)
{
	unsigned long first = *page[up ? 0 : PAGES - 1], last = first;

	for (int k = 0; k < PAGES; k++) {
		unsigned long v = *page[up ? k : PAGES - 1 - k];

		if (v > last || v + 1 < first)
			return 0;
		last = v;
	}
	return 1;
}

static int run(int up, int often)
{
	pthread_t t;
	int bad = 0;

	for (int k = 0; k < PAGES; k++)
		*page[k] = 0;
	stop = 0;
	pause_often = often;
	if (pthread_create(&t, NULL, writer, up ? (void *)page : NULL))
		bail("pthread_create");
	for (int i = 0; i < FORKS; i++) {
		pid_t pid = fork();

		if (!pid)
			_exit(!one_moment(up));
		bad += exit_of(pid) != 0;
	}
	stop = 1;
	pthread_join(t, NULL);
	return bad;
}

int main(void)
{
	char *m = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (int k = 0; k < PAGES; k++)
		page[k] = (unsigned long *)(m + k * PAGE);
	plan(4);
	ok(run(1, 0) == 0, "written upwards, without a pause");
	ok(run(0, 0) == 0, "downwards");
	ok(run(1, 1) == 0, "upwards, by a thread that yields and sleeps");
	ok(run(0, 1) == 0, "downwards");
	return done();
}
