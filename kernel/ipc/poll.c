/* SPDX-License-Identifier: MIT */
/*
 * poll(2), ppoll(2), and the poller they share with select.
 *
 * A pass asks every file; the first pass also queues a waiter on each wait
 * queue the file names.  A wake-up sets `triggered` before it wakes the
 * thread, so an event between the pass and the sleep is not lost.  Entries
 * hold a reference on their file: another thread may close the descriptor.
 */
#include "ipc_internal.h"

/* ---- times and masks ---- */

uint64_t deadline_after_ns(uint64_t ns)
{
	uint64_t now = hal_time_mono_ns();

	return ns > UINT64_MAX - 1 - now ? UINT64_MAX - 1 : now + ns;
}

int timespec_check(const struct abi_timespec *ts)
{
	return ts->tv_sec < 0 || ts->tv_nsec < 0 || ts->tv_nsec >= (int64_t)NSEC_PER_SEC ? -EINVAL : 0;
}

int deadline_from_user(uaddr_t addr, uint64_t *deadline)
{
	struct abi_timespec ts;

	*deadline = UINT64_MAX;
	if (!addr)
		return 0;
	if (copy_from_user(&ts, addr, sizeof(ts)))
		return -EFAULT;
	if (timespec_check(&ts))
		return -EINVAL;
	*deadline = timespec_ns(&ts) ? deadline_after_ns(timespec_ns(&ts)) : 0;
	return 0;
}

int sigmask_enter(uaddr_t addr, size_t size, bool *set)
{
	uint64_t mask;

	*set = false;
	if (!addr)
		return 0;
	if (size != sizeof(mask))
		return -EINVAL;
	if (get_user(mask, addr))
		return -EFAULT;
	signal_set_temporary_mask(mask);
	*set = true;
	return 0;
}

int64_t llseek_nothing(struct file *f, int64_t off, int whence) { return 0; }

/* ---- the poller ---- */

static int poller_wake(struct waiter *w, uint64_t key)
{
	struct poller_entry *e = container_of(w, struct poller_entry, w);
	struct poller *p = e->poller;

	if (key && !(key & e->events))
		return 0;
	__atomic_store_n(&p->triggered, true, __ATOMIC_SEQ_CST);
	return task_wake(p->task, TASK_INTERRUPTIBLE);
}

static void poller_queue(struct poll_table *pt, struct waitq *q)
{
	struct poller *p = container_of(pt, struct poller, pt);
	struct poller_entry *e;

	if (p->used < ARRAY_SIZE(p->entry)) {
		e = &p->entry[p->used++];
	} else {
		if (!p->chunks || p->chunks->used == ARRAY_SIZE(p->chunks->entry)) {
			struct poller_chunk *c = kmalloc(sizeof(*c), 0);

			if (!c) {
				p->no_memory = true;
				return;
			}
			c->used = 0;
			c->next = p->chunks;
			p->chunks = c;
		}
		e = &p->chunks->entry[p->chunks->used++];
	}
	e->q = q;
	e->poller = p;
	e->file = p->file;
	e->events = p->events | POLLERR | POLLHUP;
	file_get(e->file);
	waiter_init_fn(&e->w, poller_wake);
	waitq_add(q, &e->w);
}

void poller_init(struct poller *p)
{
	p->pt.queue = poller_queue;
	p->task = current;
	p->triggered = p->no_memory = false;
	p->used = 0;
	p->chunks = NULL;
}

static void entry_fini(struct poller_entry *e)
{
	waitq_remove(e->q, &e->w);
	file_put(e->file);
}

void poller_fini(struct poller *p)
{
	struct poller_chunk *c;

	while (p->used)
		entry_fini(&p->entry[--p->used]);
	while ((c = p->chunks) != NULL) {
		while (c->used)
			entry_fini(&c->entry[--c->used]);
		p->chunks = c->next;
		kfree(c);
	}
}

struct poll_table *poller_table(struct poller *p, struct file *f, unsigned events)
{
	p->file = f;
	p->events = events;
	return p->pt.queue ? &p->pt : NULL;
}

int poller_wait(struct poller *p, uint64_t deadline)
{
	int ret = 0;

	p->pt.queue = NULL;		/* queued everywhere: later passes only ask */
	sched_set_state(TASK_INTERRUPTIBLE);
	if (!__atomic_load_n(&p->triggered, __ATOMIC_SEQ_CST)) {
		if (signal_pending(current))
			ret = -EINTR;
		else if (schedule_until(deadline) == 0)
			ret = -ETIMEDOUT;
	}
	sched_set_state(TASK_RUNNING);
	if (!__atomic_exchange_n(&p->triggered, false, __ATOMIC_SEQ_CST) && !ret && signal_pending(current))
		ret = -EINTR;
	return ret;
}

int poller_verdict(const struct poller *p, int ready, int last)
{
	if (ready)
		return ready;
	if (last == -EINTR || signal_pending(current))	/* also when there is no time to wait in */
		return -EINTR;
	return p->no_memory ? -ENOMEM : 0;
}

/* ---- poll ---- */

struct abi_pollfd { int32_t fd; int16_t events, revents; };

static unsigned poll_one(struct poller *p, struct abi_pollfd *pfd, bool queue)
{
	unsigned want = (uint16_t)pfd->events | POLLERR | POLLHUP, got;
	struct file *f;

	if (pfd->fd < 0)
		return 0;
	f = fd_get(pfd->fd);
	if (!f)
		return POLLNVAL;
	got = file_poll(f, queue ? poller_table(p, f, want) : NULL) & want;
	file_put(f);
	return got;
}

/* The number of ready ones, 0 at the deadline, -EINTR, -ENOMEM. */
static int poll_loop(struct abi_pollfd *fds, unsigned n, uint64_t deadline)
{
	struct poller p;
	int ready, last = 0;

	poller_init(&p);
	for (;;) {
		ready = 0;
		for (unsigned i = 0; i < n; i++) {
			/* Once something is ready nobody will sleep: no need to queue. */
			fds[i].revents = (int16_t)poll_one(&p, &fds[i], ready == 0 && deadline != 0);
			ready += fds[i].revents != 0;
		}
		ready = poller_verdict(&p, ready, last);
		if (ready || last == -ETIMEDOUT || deadline == 0)
			break;
		last = poller_wait(&p, deadline);
	}
	poller_fini(&p);
	return ready;
}

static int do_poll(uaddr_t ufds, unsigned n, uint64_t deadline)
{
	struct abi_pollfd fast[16], *fds = fast;
	int ret;

	if (n > rlimit_get(RLIMIT_NOFILE))
		return -EINVAL;
	if (n > ARRAY_SIZE(fast)) {
		fds = kmalloc(n * sizeof(*fds), 0);
		if (!fds)
			return -ENOMEM;
	}
	ret = -EFAULT;
	if (copy_from_user(fds, ufds, n * sizeof(*fds)))
		goto out;
	ret = poll_loop(fds, n, deadline);
	if (ret >= 0)
		for (unsigned i = 0; i < n; i++)
			if (copy_to_user(ufds + i * sizeof(*fds) + offsetof(struct abi_pollfd, revents), &fds[i].revents, sizeof(fds[i].revents))) {
				ret = -EFAULT;
				break;
			}
out:
	if (fds != fast)
		kfree(fds);
	return ret;
}

static long poll_restart(struct restart_block *rb)
{
	int ret = do_poll(rb->poll.fds, (unsigned)rb->poll.nfds, rb->poll.deadline_ns);

	if (ret == -EINTR) {
		rb->fn = poll_restart;
		return -ERESTART_RESTARTBLOCK;
	}
	return ret;
}

long sys_poll(uaddr_t fds, unsigned nfds, int timeout)
{
	uint64_t deadline = timeout < 0 ? UINT64_MAX : timeout == 0 ? 0 : deadline_after_ns((uint64_t)timeout * NSEC_PER_MSEC);
	int ret = do_poll(fds, nfds, deadline);

	if (ret != -EINTR)
		return ret;
	current->restart.fn = poll_restart;
	current->restart.poll.fds = fds;
	current->restart.poll.nfds = nfds;
	current->restart.poll.deadline_ns = deadline;
	return -ERESTART_RESTARTBLOCK;
}

long sys_ppoll(uaddr_t fds, unsigned nfds, uaddr_t timeout, uaddr_t sigmask, size_t size)
{
	uint64_t deadline;
	bool masked;
	int ret = deadline_from_user(timeout, &deadline);

	if (ret)
		return ret;
	ret = sigmask_enter(sigmask, size, &masked);
	if (ret)
		return ret;
	ret = do_poll(fds, nfds, deadline);
	if (masked && ret != -EINTR)
		signal_restore_mask();
	if (timeout && deadline) {	/* not when it was zero; Linux writes back what is left; an address that cannot be written is not an error */
		uint64_t now = hal_time_mono_ns(), left = deadline > now ? deadline - now : 0;
		struct abi_timespec ts = { (int64_t)(left / NSEC_PER_SEC), (int64_t)(left % NSEC_PER_SEC) };

		if (copy_to_user(timeout, &ts, sizeof(ts)))
			return ret;
	}
	return ret == -EINTR ? -ERESTARTNOHAND : ret;
}
