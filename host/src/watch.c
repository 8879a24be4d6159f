/* SPDX-License-Identifier: MIT */
/*
 * Breakpoints without a wait.
 *
 * A Linux host that has no event of a thread's to count changes the code of its
 * scheduler at the first, and waits until all its CPUs know: 15 to 30 ms
 * (account_event() in its kernel/events/core.c).  A breakpoint is such an
 * event.  So before there are any a thread of ours makes one that counts
 * nothing, which takes the wait, and keeps it for as long as breakpoints are
 * wanted: the scheduler is a little slower with one.
 */
#include "host.h"
#include <errno.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { KEEP_S = 2 };
enum { NONE, MAKING, READY, REFUSED };
static int state;			/* [a] only the thread of ours leaves MAKING and READY */
static bool wanted;			/* [a] since the thread last looked */

static int event_make(void)
{
	struct perf_event_attr a = { .size = sizeof(a), .type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_DUMMY,
		.disabled = 1, .exclude_kernel = 1, .exclude_hv = 1 };

	return (int)syscall(SYS_perf_event_open, &a, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

static void *keeper(void *unused)
{
	const struct timespec a_while = { .tv_sec = KEEP_S };
	int fd = event_make();

	(void)unused;
	if (fd < 0) {
		__atomic_store_n(&state, REFUSED, __ATOMIC_RELEASE);
		return NULL;
	}
	__atomic_store_n(&state, READY, __ATOMIC_RELEASE);
	do
		nanosleep(&a_while, NULL);
	while (__atomic_exchange_n(&wanted, false, __ATOMIC_RELAXED));
	__atomic_store_n(&state, NONE, __ATOMIC_RELEASE);
	close(fd);
	return NULL;
}

int host_watch_prepare(void)
{
	int was = NONE, r;
	sigset_t all, old;
	pthread_t t;

	__atomic_store_n(&wanted, true, __ATOMIC_RELAXED);
	if (!__atomic_compare_exchange_n(&state, &was, MAKING, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return was == READY ? 0 : was == MAKING ? -EAGAIN : -EPERM;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	r = pthread_create(&t, NULL, keeper, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r) {
		__atomic_store_n(&state, REFUSED, __ATOMIC_RELEASE);
		return -EPERM;
	}
	pthread_detach(t);
	return -EAGAIN;
}
