/* SPDX-License-Identifier: MIT */
/*
 * eventfd(2): a 64-bit counter.  A read takes all of it (or 1 with
 * EFD_SEMAPHORE), a write adds; the value UINT64_MAX is out of reach of
 * writes, so that a reader never sees an overflow.
 */
#include "ipc_internal.h"

enum { EFD_SEMAPHORE = 1 };

struct eventfd {
	struct spinlock lock;		/* [EVENTFD] */
	uint64_t count;			/* [lock] */
	bool semaphore;			/* [I] */
	unsigned id;			/* [I] */
	struct waitq wait;
};

static bool take(struct eventfd *e, uint64_t *value)
{
	spin_lock(&e->lock);
	*value = e->count && e->semaphore ? 1 : e->count;
	WRITE_ONCE(e->count, e->count - *value);
	spin_unlock(&e->lock);
	return *value != 0;
}

static bool add(struct eventfd *e, uint64_t value)
{
	bool ok;

	spin_lock(&e->lock);
	ok = UINT64_MAX - e->count > value;
	if (ok)
		WRITE_ONCE(e->count, e->count + value);
	spin_unlock(&e->lock);
	return ok;
}

static int64_t eventfd_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct eventfd *e = f->private;
	uint64_t value;

	if (u->left < sizeof(value))
		return -EINVAL;
	if (!take(e, &value)) {
		int err;

		if (READ_ONCE(f->flags) & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event_interruptible(&e->wait, take(e, &value));
		if (err)
			return err;
	}
	waitq_wake_key(&e->wait, 1, POLLOUT | POLLWRNORM);
	return uio_copy_to(u, &value, sizeof(value)) == sizeof(value) ? (int64_t)sizeof(value) : -EFAULT;
}

static int64_t eventfd_write(struct file *f, struct uio *u, uint64_t *pos)
{
	struct eventfd *e = f->private;
	uint64_t value;

	if (u->left != sizeof(value))
		return -EINVAL;
	if (uio_copy_from(u, &value, sizeof(value)) != sizeof(value))
		return -EFAULT;
	if (value == UINT64_MAX)
		return -EINVAL;
	if (!add(e, value)) {
		int err;

		if (READ_ONCE(f->flags) & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event_interruptible(&e->wait, add(e, value));
		if (err)
			return err;
	}
	waitq_wake_key(&e->wait, 1, POLLIN | POLLRDNORM);
	return sizeof(value);
}

static unsigned eventfd_poll(struct file *f, struct poll_table *pt)
{
	struct eventfd *e = f->private;
	uint64_t count;
	unsigned ev = 0;

	poll_wait(pt, &e->wait);
	count = READ_ONCE(e->count);
	if (count > 0)
		ev |= POLLIN;
	if (count == UINT64_MAX)
		ev |= POLLERR;
	if (count < UINT64_MAX - 1)
		ev |= POLLOUT;
	return ev;
}

static void eventfd_release(struct file *f) { kfree(f->private); }

static void eventfd_show(struct file *f, char *buf, size_t max)
{
	struct eventfd *e = f->private;

	ksnprintf(buf, max, "eventfd-count: %16llx\neventfd-id: %u\neventfd-semaphore: %d\n",
		(unsigned long long)READ_ONCE(e->count), e->id, e->semaphore);
}

static const struct file_ops eventfd_ops = { .llseek = llseek_nothing, .release = eventfd_release, .read = eventfd_read, .write = eventfd_write, .plain_write = true,
	.poll = eventfd_poll, .show_fdinfo = eventfd_show };

bool eventfd_is(const struct file *f) { return f->ops == &eventfd_ops; }

void eventfd_add(struct file *f, uint64_t n)
{
	struct eventfd *e = f->private;

	if (add(e, n))
		waitq_wake_key(&e->wait, 1, POLLIN | POLLRDNORM);
}

long sys_eventfd2(unsigned count, unsigned flags)
{
	static unsigned ids;
	struct eventfd *e;
	struct file *f;
	int fd;

	if (flags & ~(unsigned)(EFD_SEMAPHORE | O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	e = kzalloc(sizeof(*e), 0);
	if (!e)
		return -ENOMEM;
	spin_init(&e->lock, LOCK_EVENTFD);
	waitq_init(&e->wait);
	e->count = count;
	e->semaphore = flags & EFD_SEMAPHORE;
	e->id = __atomic_fetch_add(&ids, 1, __ATOMIC_RELAXED);
	fd = file_create_anon("[eventfd]", 0600, &eventfd_ops, e, O_RDWR | (flags & O_NONBLOCK), &f);
	if (fd) {
		kfree(e);
		return fd;
	}
	f->mode |= FMODE_LSEEK;
	fd = fd_add(f, flags & O_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}

long sys_eventfd(unsigned count) { return sys_eventfd2(count, 0); }
