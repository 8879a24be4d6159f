/* SPDX-License-Identifier: MIT */
/* Shared by the files of kernel/ipc. */
#ifndef IPC_INTERNAL_H
#define IPC_INTERNAL_H
#include <abi/time.h>
#include <kernel/file.h>
#include <kernel/ipc_init.h>
#include <kernel/poll.h>
#include <kernel/print.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/task.h>
#include <kernel/timer.h>
#include <kernel/uaccess.h>
#include <kernel/uio.h>
#include "syscall/syscall_impl.h"

/* A relative struct timespec of the user's as a monotonic deadline; address 0: never (UINT64_MAX); zero time: 0.  -EFAULT, -EINVAL. */
int deadline_from_user(uaddr_t ts, uint64_t *deadline) MUST_CHECK;
uint64_t deadline_after_ns(uint64_t ns);	/* saturates */
int timespec_check(const struct abi_timespec *ts) MUST_CHECK;
static inline uint64_t timespec_ns(const struct abi_timespec *ts)
{
	return (uint64_t)ts->tv_sec > 9000000000ull ? 9000000000ull * NSEC_PER_SEC : (uint64_t)ts->tv_sec * NSEC_PER_SEC + (uint64_t)ts->tv_nsec;
}
/* The mask argument of ppoll, pselect6, epoll_pwait: put in force if addr is not 0.  *set says so.  -EFAULT, -EINVAL. */
int sigmask_enter(uaddr_t mask, size_t size, bool *set) MUST_CHECK;
bool eventfd_is(const struct file *f);
void eventfd_add(struct file *f, uint64_t n);	/* of an eventfd: never waits; a full one stays full */

/*
 * A thread that waits for any of many queues: a poll_table that remembers
 * where it is queued.  Not for use by two threads.
 */
struct poller_entry {
	struct waiter w;
	struct waitq *q;
	struct poller *poller;
	struct file *file;		/* reference: keeps the queue alive */
	unsigned events;		/* wake-ups with other keys are not for us */
};
struct poller_chunk { struct poller_chunk *next; unsigned used; struct poller_entry entry[62]; };
struct poller {
	struct poll_table pt;
	struct task *task;
	struct file *file;		/* being asked now */
	unsigned events;		/* wanted of it */
	bool triggered;			/* [a] */
	bool no_memory;
	unsigned used;
	struct poller_entry entry[6];
	struct poller_chunk *chunks;
};
void poller_init(struct poller *p);
void poller_fini(struct poller *p);
struct poll_table *poller_table(struct poller *p, struct file *f, unsigned events);
/* Sleep until triggered, a signal or the deadline: 0, -EINTR, -ETIMEDOUT. */
int poller_wait(struct poller *p, uint64_t deadline);
/* After a pass that found `ready`, last being what poller_wait() said before it: the result so far.  Nothing ready: -EINTR, -ENOMEM, 0. */
int poller_verdict(const struct poller *p, int ready, int last);
#endif
