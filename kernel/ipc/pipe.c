/* SPDX-License-Identifier: MIT */
/*
 * Pipes (pipe(7)).
 *
 * A write of at most PIPE_BUF bytes needs one slot or the rest of the last
 * page, so it is atomic because a whole slot is waited for.  Larger writes
 * may interleave.  With O_DIRECT each write makes packets of at most a page,
 * and a read takes one packet and drops what it had no room for.
 *
 * The lock is held while bytes are copied from and to user memory (a fault
 * takes locks further down only) but not while waiting.  Every state change
 * wakes the other side with poll events as key; edge-triggered epoll wants a
 * wake-up per write even if the pipe was not empty.
 *
 * The slots of all pipes that a user made are counted: beyond PIPE_USER_SLOTS
 * a pipe without privilege is a small one and cannot grow.
 *
 * FIFOs (fifo.c) are pipes that hang on an inode; pipe_splice.c has what moves pages.
 */
#include <kernel/pipe.h>
#include "ipc/pipe_internal.h"

#define POLL_READ (POLLIN | POLLRDNORM)
#define POLL_WRITE (POLLOUT | POLLWRNORM)

/* Those of current, for whom p->user is charged. */
static uint64_t slots_allowed(void)
{
	return capable(CAP_SYS_RESOURCE) || capable(CAP_SYS_ADMIN) ? UINT64_MAX : PIPE_USER_SLOTS;
}

static void free_pipe(struct pipe *p)
{
	user_uncharge(&p->user->pipe_slots, p->slots);
	user_account_put(p->user);
	kfree(p->ring);
	kfree(p);
}

struct pipe *pipe_create(void)
{
	struct pipe *p = kzalloc(sizeof(*p), 0);

	if (!p)
		return NULL;
	p->user = user_account_current();
	p->slots = PIPE_SLOTS;
	if (!user_charge(&p->user->pipe_slots, PIPE_SLOTS, slots_allowed())) {
		p->slots = PIPE_SLOTS_MIN;
		(void)user_charge(&p->user->pipe_slots, PIPE_SLOTS_MIN, UINT64_MAX);
	}
	p->ring = kzalloc(p->slots * sizeof(*p->ring), 0);
	if (!p->ring) {
		free_pipe(p);
		return NULL;
	}
	ref_init(&p->refs);
	mutex_init(&p->lock, LOCK_PIPE);
	waitq_init(&p->read_wait);
	waitq_init(&p->write_wait);
	waitq_init(&p->hold_wait);
	sigio_init(&p->read_sigio);
	sigio_init(&p->write_sigio);
	return p;
}

void pipe_put(struct pipe *p)
{
	if (!ref_put(&p->refs))
		return;
	while (p->tail != p->head)
		page_put(p->ring[p->tail++ & (p->slots - 1)].page);
	if (p->spare)
		page_put(p->spare);
	free_pipe(p);
}

static inline bool empty(const struct pipe *p) { return READ_ONCE(p->head) == READ_ONCE(p->tail); }
static inline bool full(const struct pipe *p) { return READ_ONCE(p->head) - READ_ONCE(p->tail) >= READ_ONCE(p->slots); }
static inline struct pipe_buf *slot(struct pipe *p, unsigned i) { return &p->ring[i & (p->slots - 1)]; }

void pipe_wake_readers(struct pipe *p)
{
	if (waitq_active(&p->read_wait))
		waitq_wake_key(&p->read_wait, 1, POLL_READ);
}

void pipe_wake_writers(struct pipe *p)
{
	if (waitq_active(&p->write_wait))
		waitq_wake_key(&p->write_wait, 1, POLL_WRITE);
}

/* The buffer at the tail is used up.  [lock] */
void pipe_pop(struct pipe *p)
{
	struct pipe_buf *b = slot(p, p->tail);

	if ((b->flags & PIPE_MERGE) && !p->spare && READ_ONCE(b->page->refs) == 1)
		p->spare = b->page;
	else
		page_put(b->page);
	b->page = NULL;
	WRITE_ONCE(p->tail, p->tail + 1);
}

int pipe_wait_data(struct pipe *p, bool nonblock)
{
	while (p->held || empty(p)) {
		int err;

		/* Whose turn it is is no question of data: as on Linux, O_NONBLOCK does not look at it. */
		if (p->held) {
			mutex_unlock(&p->lock);
			err = wait_event_interruptible(&p->hold_wait, !READ_ONCE(p->held));
			mutex_lock(&p->lock);
			if (err)
				return err;
			continue;
		}
		if (!p->writers)
			return 1;
		if (nonblock)
			return -EAGAIN;
		mutex_unlock(&p->lock);
		err = wait_event_interruptible(&p->read_wait, !empty(p) || !READ_ONCE(p->writers));
		mutex_lock(&p->lock);
		if (err)
			return err;
	}
	return 0;
}

static NO_TSA int wait_slot(struct pipe *p, bool nonblock, bool nosignal)
{
	for (;;) {
		int err;

		if (!p->readers) {
			if (!nosignal)
				signal_send_current(SIGPIPE);
			return -EPIPE;
		}
		if (!full(p))
			return 0;
		if (nonblock)
			return -EAGAIN;
		mutex_unlock(&p->lock);
		err = wait_event_interruptible(&p->write_wait, !full(p) || !READ_ONCE(p->readers));
		mutex_lock(&p->lock);
		if (err)
			return err;
	}
}

int pipe_wait_slot(struct pipe *p, bool nonblock) { return wait_slot(p, nonblock, false); }

/* ---- read ---- */

static NO_TSA int64_t read_locked(struct pipe *p, struct uio *u, bool nonblock)
{
	int64_t got = 0;
	int err = pipe_wait_data(p, nonblock);

	if (err)
		return err > 0 ? 0 : err;
	while (u->left && !empty(p)) {
		struct pipe_buf *b = slot(p, p->tail);
		size_t want = MIN((size_t)b->len, u->left);
		size_t n = uio_copy_to(u, (uint8_t *)page_addr(b->page) + b->off, want);
		bool packet = b->flags & PIPE_PACKET;

		if (n < want)		/* a buffer that cannot be taken whole stays, as on Linux */
			return got ? got : -EFAULT;
		got += (int64_t)n;
		b->off += (uint32_t)n;
		b->len -= (uint32_t)n;
		if (b->len == 0 || packet)
			pipe_pop(p);
		if (packet)
			break;
	}
	return got;
}

static int64_t do_read(struct file *f, struct uio *u, bool nonblock)
{
	struct pipe *p = f->private;
	int64_t ret;
	bool was_full;

	if (u->left == 0)
		return 0;
	mutex_lock(&p->lock);
	was_full = full(p);
	ret = read_locked(p, u, nonblock);
	mutex_unlock(&p->lock);
	if (ret > 0) {
		pipe_wake_writers(p);
		if (was_full)
			sigio_send(&p->write_sigio, POLLOUT | POLLWRNORM);
	}
	return ret;
}

static int64_t pipe_read(struct file *f, struct uio *u, uint64_t *pos) { return do_read(f, u, READ_ONCE(f->flags) & O_NONBLOCK); }

/* ---- write ---- */

/* Appends to the last page if the whole of n fits there.  Bytes, 0 if not, -EFAULT. */
static int64_t merge(struct pipe *p, struct uio *u, size_t n)
{
	struct pipe_buf *b;
	size_t got;

	if (empty(p) || n == 0)
		return 0;
	b = slot(p, p->head - 1);
	if (!(b->flags & PIPE_MERGE) || (b->flags & PIPE_PACKET) || b->off + b->len + n > PAGE_SIZE)
		return 0;
	got = uio_copy_from(u, (uint8_t *)page_addr(b->page) + b->off + b->len, n);
	if (got < n)		/* as on Linux: what cannot be taken whole is not taken */
		return -EFAULT;
	b->len += (uint32_t)got;
	return (int64_t)got;
}

static NO_TSA int64_t write_locked(struct pipe *p, struct uio *u, bool nonblock, bool packets)
{
	bool nosignal = u->how & UIO_NOSIGNAL;
	int64_t done = 0, n;

	if (!packets && p->readers) {
		n = merge(p, u, u->left & (PAGE_SIZE - 1));
		if (n < 0)
			return n;
		done = n;
	}
	while (u->left) {
		struct page *page;
		size_t want, got;
		int err;

		if (full(p) && done)
			pipe_wake_readers(p);
		err = wait_slot(p, nonblock, nosignal);
		if (err)
			return done ? done : err;
		page = p->spare;
		p->spare = NULL;
		if (!page)
			page = page_alloc(0, 0);
		if (!page)
			return done ? done : -ENOMEM;
		want = MIN(u->left, PAGE_SIZE);
		got = uio_copy_from(u, page_addr(page), want);
		if (got < want) {
			p->spare = page;
			return done ? done : -EFAULT;
		}
		*slot(p, p->head) = (struct pipe_buf){ .page = page, .off = 0, .len = (uint32_t)got,
			.flags = PIPE_MERGE | (packets ? PIPE_PACKET : 0) };
		WRITE_ONCE(p->head, p->head + 1);
		done += (int64_t)got;
	}
	return done;
}

static int64_t do_write(struct file *f, struct uio *u, bool nonblock)
{
	struct pipe *p = f->private;
	int64_t ret;

	if (u->left == 0)
		return 0;
	mutex_lock(&p->lock);
	ret = write_locked(p, u, nonblock, READ_ONCE(f->flags) & O_DIRECT);
	mutex_unlock(&p->lock);
	if (ret > 0) {
		pipe_wake_readers(p);
		sigio_send(&p->read_sigio, POLLIN | POLLRDNORM);
	}
	return ret;
}

static int64_t pipe_write(struct file *f, struct uio *u, uint64_t *pos) { return do_write(f, u, READ_ONCE(f->flags) & O_NONBLOCK); }

int64_t pipe_vmsplice(struct file *f, struct uio *u, bool write, bool nonblock)
{
	struct pipe *p = f->private;
	int64_t ret;

	if (!write)
		return do_read(f, u, nonblock);
	ret = pipe_give(p, u, nonblock);
	if (ret > 0) {
		pipe_wake_readers(p);
		sigio_send(&p->read_sigio, POLLIN | POLLRDNORM);
	}
	return ret;
}

/* ---- the rest of a file ---- */

static unsigned pipe_poll(struct file *f, struct poll_table *pt)
{
	struct pipe *p = f->private;
	unsigned ev = 0;

	if (f->mode & FMODE_READ) {
		poll_wait(pt, &p->read_wait);
		if (!empty(p))
			ev |= POLL_READ;
		/* A FIFO that no writer has opened since this reader came is not hung up. */
		if (!READ_ONCE(p->writers) && f->pos != READ_ONCE(p->writer_opens) + 1ull)
			ev |= POLLHUP;
	}
	if (f->mode & FMODE_WRITE) {
		poll_wait(pt, &p->write_wait);
		if (!full(p))
			ev |= POLL_WRITE;
		if (!READ_ONCE(p->readers))
			ev |= POLLERR;
	}
	return ev;
}

enum { FIONREAD_CMD = 0x541b };

static long pipe_ioctl(struct file *f, unsigned cmd, uint64_t arg)
{
	struct pipe *p = f->private;
	int32_t n = 0;

	if (cmd != FIONREAD_CMD)
		return -ENOTTY;
	mutex_lock(&p->lock);
	for (unsigned i = p->tail; i != p->head; i++)
		n += (int32_t)slot(p, i)->len;
	mutex_unlock(&p->lock);
	return put_user(n, arg);
}

static int pipe_fasync(struct file *f, bool on)
{
	struct pipe *p = f->private;
	int err = f->mode & FMODE_READ ? sigio_set(&p->read_sigio, f, on) : 0;

	if (!err && f->mode & FMODE_WRITE)
		err = sigio_set(&p->write_sigio, f, on);
	if (err && on)
		pipe_fasync(f, false);
	return err;
}

void pipe_release(struct file *f)
{
	struct pipe *p = f->private;

	mutex_lock(&p->lock);
	if (f->mode & FMODE_READ)
		WRITE_ONCE(p->readers, p->readers - 1);
	if (f->mode & FMODE_WRITE)
		WRITE_ONCE(p->writers, p->writers - 1);
	if (!p->readers && !p->writers)
		while (!empty(p))	/* a FIFO that nobody has open forgets what was in it */
			pipe_pop(p);
	mutex_unlock(&p->lock);
	waitq_wake_key(&p->read_wait, 0, POLL_READ | POLLHUP | POLLERR);
	waitq_wake_key(&p->write_wait, 0, POLL_WRITE | POLLHUP | POLLERR);
	sigio_send(&p->read_sigio, POLLIN | POLLRDNORM);
	sigio_send(&p->write_sigio, POLLOUT | POLLWRNORM);
	if (f->inode && f->inode->pipe == p)
		fifo_put(f->inode, p);
	else
		pipe_put(p);
}

const struct file_ops pipe_file_ops = {
	.release = pipe_release,
	.read = pipe_read,
	.write = pipe_write,
	.poll = pipe_poll,
	.ioctl = pipe_ioctl,
	.fasync = pipe_fasync,
};

struct pipe *pipe_of(struct file *f)
{
	return f->ops == &pipe_file_ops ? f->private : NULL;
}

/* ---- sizes ---- */

long pipe_get_size(struct file *f)
{
	struct pipe *p = pipe_of(f);

	return p ? (long)(READ_ONCE(p->slots) * PAGE_SIZE) : -EBADF;
}

long pipe_set_size(struct file *f, uint64_t bytes)
{
	struct pipe *p = pipe_of(f);
	struct pipe_buf *ring;
	unsigned slots = 1, used;
	int64_t more;
	int err = 0;

	if (!p)
		return -EBADF;
	if (bytes > 1ull << 31)
		return -EINVAL;
	while (slots * PAGE_SIZE < bytes)
		slots *= 2;
	if (slots > READ_ONCE(p->slots) && slots * PAGE_SIZE > PIPE_MAX_BYTES && !capable(CAP_SYS_RESOURCE))
		return -EPERM;
	ring = kzalloc(slots * sizeof(*ring), 0);
	if (!ring)
		return -ENOMEM;
	mutex_lock(&p->lock);
	used = p->head - p->tail;
	more = (int64_t)slots - (int64_t)p->slots;
	if (!user_charge(&p->user->pipe_slots, more, more > 0 ? slots_allowed() : UINT64_MAX)) {
		err = -EPERM;
	} else if (used > slots) {
		user_uncharge(&p->user->pipe_slots, more);
		err = -EBUSY;
	}
	if (err) {
		mutex_unlock(&p->lock);
		kfree(ring);
		return err;
	}
	for (unsigned i = 0; i < used; i++)
		ring[i] = *slot(p, p->tail + i);
	kfree(p->ring);
	p->ring = ring;
	WRITE_ONCE(p->slots, slots);	/* who waits looks without the lock, and then again with it */
	WRITE_ONCE(p->tail, 0);
	WRITE_ONCE(p->head, used);
	mutex_unlock(&p->lock);
	if (more > 0)
		pipe_wake_writers(p);
	return (long)(slots * PAGE_SIZE);
}

/* ---- pipe(2) ---- */

long sys_pipe2(uaddr_t fds, unsigned flags)
{
	struct file *r, *w;
	struct pipe *p;
	int32_t fd[2];
	int err = -ENOMEM;

	if (flags & ~(unsigned)(O_CLOEXEC | O_NONBLOCK | O_DIRECT | O_EXCL))
		return -EINVAL;
	if (flags & O_EXCL)	/* O_NOTIFICATION_PIPE: a kernel without key rings */
		return -ENOPKG;
	p = pipe_create();
	if (!p)
		return -ENOMEM;
	p->readers = p->writers = p->reader_opens = p->writer_opens = 1;
	err = file_create_anon("pipe", S_IFIFO | 0600, &pipe_file_ops, p, O_RDONLY | (flags & O_NONBLOCK), &r);
	if (err)
		goto put_pipe;
	/* Found through the inode when it is opened again by way of /proc/PID/fd. */
	p->anonymous = true;
	ref_get(&p->refs);
	r->inode->pipe = p;
	err = file_clone_anon(r, &pipe_file_ops, p, O_WRONLY | (flags & (unsigned)(O_NONBLOCK | O_DIRECT)), &w);
	if (err) {
		file_put(r);
		return err;
	}
	ref_get(&p->refs);		/* one for each file from here on */
	err = fd_reserve_pair(fds, flags & O_CLOEXEC, fd);
	if (err) {
		file_put(r);
		file_put(w);
		return err;
	}
	fd_install(fd[0], r);
	fd_install(fd[1], w);
	return 0;
put_pipe:
	pipe_put(p);
	return err;
}

long sys_pipe(uaddr_t fds) { return sys_pipe2(fds, 0); }
