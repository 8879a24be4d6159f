/* SPDX-License-Identifier: MIT */
/* FUTEX_WAIT: only if the word has the value; wake-ups, time-outs of both clocks, signals, what the word may lie in, errors in their order. */
#include "harness.h"
#include "futex_util.h"
#include <fcntl.h>

static uint32_t word;
static volatile sig_atomic_t hits;
static void handler(int sig) { (void)sig; hits++; }

int main(void)
{
	struct futex_waiter w = { .addr = &word, .op = FUTEX_WAIT_PRIVATE };
	struct timespec ts = { 0, 3000000 }, bad = { 0, 1000000000 }, neg = { -1, 0 }, now;
	struct sigaction sa = { .sa_handler = handler };
	long long start;
	uint32_t *page;
	int fd;

	plan(22);
	futex_waiter_start(&w);
	ok(fut(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0) == 1 && futex_waiter_join(&w) == 0, "waits until it is woken: 0");
	futex_waiter_start(&w);
	word = 1;
	ok(wait_thread_sleeping(w.tid) && !w.done, "a changed word alone wakes nobody");
	fut(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	futex_waiter_join(&w);
	ok_errno(fut(&word, FUTEX_WAIT, 0, NULL, NULL, 0), EAGAIN, "another value: EAGAIN at once");
	ok_errno(fut(&word, FUTEX_WAIT, 0, &ts, NULL, 0), EAGAIN, "with a time as well");
	start = now_ns(CLOCK_MONOTONIC);
	ok_errno(fut(&word, FUTEX_WAIT, 1, &ts, NULL, 0), ETIMEDOUT, "ETIMEDOUT");
	ok(now_ns(CLOCK_MONOTONIC) - start >= 3000000, "not before the time");
	ok_errno(fut(&word, FUTEX_WAIT, 1, &(struct timespec){ 0, 0 }, NULL, 0), ETIMEDOUT, "no time at all");
	clock_gettime(CLOCK_REALTIME, &now);
	ok_errno(fut(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 1, &now, NULL, ~0u), ETIMEDOUT, "absolute, on the real-time clock");
	ok_errno(fut(&word, FUTEX_WAIT, 1, &bad, NULL, 0), EINVAL, "a billion nanoseconds");
	ok_errno(fut(&word, FUTEX_WAIT, 1, &neg, NULL, 0), EINVAL, "negative seconds");
	ok_errno(fut(&word, FUTEX_WAIT, 1, (void *)8, NULL, 0), EFAULT, "a bad time");
	ok_errno(fut((char *)&word + 2, FUTEX_WAIT, 1, NULL, NULL, 0), EINVAL, "an unaligned word");
	ok_errno(fut((void *)64, FUTEX_WAIT, 1, NULL, NULL, 0), EFAULT, "nothing mapped");
	ok_errno(fut((void *)64, FUTEX_WAIT, 1, &bad, NULL, 0), EINVAL, "the time is looked at before the word");

	page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ok_errno(fut(page, FUTEX_WAIT_PRIVATE, 5, NULL, NULL, 0), EAGAIN, "read-only memory can be compared");
	ok_errno(fut(page, FUTEX_WAIT_PRIVATE, 0, &ts, NULL, 0), ETIMEDOUT, "and waited on, private");
	mprotect(page, 4096, PROT_NONE);
	ok_errno(fut(page, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0), EFAULT, "memory without access not");
	fd = open("f", O_RDWR | O_CREAT, 0600);
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ok_errno(fut(page, FUTEX_WAIT, 0, &ts, NULL, 0), EFAULT, "behind a file's end neither");

	sigaction(SIGUSR1, &sa, NULL);
	w.val = 1;
	futex_waiter_start(&w);
	pthread_kill(w.thread, SIGUSR1);
	ok(futex_waiter_join(&w) == -1 && errno == EINTR && hits == 1, "a handler without SA_RESTART: EINTR");
	sa.sa_flags = SA_RESTART;
	sigaction(SIGUSR1, &sa, NULL);
	futex_waiter_start(&w);
	pthread_kill(w.thread, SIGUSR1);
	while (hits < 2)
		sched_yield();
	ok(wait_thread_sleeping(w.tid) && !w.done, "with it, it goes on");
	word = 2;
	pthread_kill(w.thread, SIGUSR1);
	ok(futex_waiter_join(&w) == -1 && errno == EAGAIN, "and compares again: EAGAIN");
	/* the memory goes away under a waiter, which can still be killed with its process */
	ok(in_child(({
		uint32_t *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		struct futex_waiter x = { .addr = p, .op = FUTEX_WAIT_PRIVATE };
		futex_waiter_start(&x);
		munmap(p, 4096);
		7; })) == 7, "unmapped under a waiter");
	return done();
}
