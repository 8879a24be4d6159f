/* SPDX-License-Identifier: MIT */
/*
 * Readiness.  A file's poll operation calls poll_wait() for each wait queue
 * whose wake-up may change the answer, then returns what is ready now.
 * Wakers pass the events as the key of waitq_wake_key().
 */
#ifndef KERNEL_POLL_H
#define KERNEL_POLL_H
#include <kernel/wait.h>
struct file;
enum { POLLIN = 1, POLLPRI = 2, POLLOUT = 4, POLLERR = 8, POLLHUP = 16, POLLNVAL = 32, POLLRDNORM = 64, POLLRDBAND = 128,
	POLLWRNORM = 256, POLLWRBAND = 512, POLLMSG = 1024, POLLRDHUP = 0x2000 };
struct poll_table {
	void (*queue)(struct poll_table *pt, struct waitq *q);	/* NULL: only asking */
};
static inline void poll_wait(struct poll_table *pt, struct waitq *q)
{
	if (pt && pt->queue)
		pt->queue(pt, q);
}
/* POLL* now; files without a poll operation are always ready. */
unsigned file_poll(struct file *f, struct poll_table *pt);
/* The last reference to f is gone: take it out of every epoll set.  Called before its release operation. */
void epoll_forget(struct file *f);
#endif
