/* SPDX-License-Identifier: MIT */
/* futex(2) called directly, with threads that wait in it. */
#ifndef FUTEX_UTIL_H
#define FUTEX_UTIL_H
#include "child.h"
#include <linux/futex.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>

static inline long fut(void *a, int op, uint32_t val, const void *t, void *b, uint32_t v3)
{
	return syscall(SYS_futex, a, op, val, t, b, v3);
}

struct futex_waiter { pthread_t thread; volatile pid_t tid; void *addr; int op; uint32_t val, bits; const struct timespec *timeout; void *addr2; long result; int error; volatile int done; };

__attribute__((unused)) static void *futex_waiter_run(void *arg)
{
	struct futex_waiter *w = arg;

	w->tid = (pid_t)syscall(SYS_gettid);
	w->result = fut(w->addr, w->op, w->val, w->timeout, w->addr2, w->bits);
	w->error = errno;
	__atomic_store_n(&w->done, 1, __ATOMIC_SEQ_CST);
	return NULL;
}
/* Start it, and wait until it sleeps. */
__attribute__((unused)) static void futex_waiter_start(struct futex_waiter *w)
{
	w->tid = 0;
	w->done = 0;
	if (pthread_create(&w->thread, NULL, futex_waiter_run, w))
		bail("thread");
	while (!w->tid)
		sched_yield();
	wait_thread_sleeping(w->tid);
}
__attribute__((unused)) static long futex_waiter_join(struct futex_waiter *w)
{
	pthread_join(w->thread, NULL);
	errno = w->error;
	return w->result;
}
__attribute__((unused)) static int futex_waiter_await(struct futex_waiter *w)	/* it comes back by itself */
{
	for (int i = 0; i < 60000 && !__atomic_load_n(&w->done, __ATOMIC_SEQ_CST); i++)
		usleep(1000);
	return w->done;
}
#endif
