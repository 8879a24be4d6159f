/* SPDX-License-Identifier: MIT */
/*
 * FIFOs (fifo(7)): a pipe that is found through an inode.  It exists while
 * somebody has the FIFO open or is opening it; inode.pipe holds a reference
 * that the last file drops.
 *
 * An open for reading waits for a writer and the other way round; what is
 * waited for is that the other side's count of opens changes, so a partner
 * that has come and gone counts.
 */
#include "ipc/pipe_internal.h"

/* The inode's pipe, made if there is none, with a reference. */
static struct pipe *fifo_pipe(struct inode *inode)
{
	struct pipe *p, *fresh = NULL;

	for (;;) {
		spin_lock(&inode->state_lock);
		p = inode->pipe;
		if (!p && fresh) {
			p = inode->pipe = fresh;	/* the inode's reference is the first one */
			fresh = NULL;
		}
		if (p)
			ref_get(&p->refs);
		spin_unlock(&inode->state_lock);
		if (p)
			break;
		fresh = pipe_create();
		if (!fresh)
			return NULL;
	}
	if (fresh)
		pipe_put(fresh);
	return p;
}

void fifo_put(struct inode *inode, struct pipe *p)
{
	bool last;

	/* References on it are only taken under this lock: two means the inode's and the caller's. */
	spin_lock(&inode->state_lock);
	last = ref_read(&p->refs) == 2;
	if (last)
		inode->pipe = NULL;
	else
		(void)ref_put(&p->refs);
	spin_unlock(&inode->state_lock);
	if (last) {
		pipe_put(p);
		pipe_put(p);
	}
}

static NO_TSA int wait_partner(struct pipe *p, const unsigned *opens)
{
	unsigned before = *opens;
	int err;

	mutex_unlock(&p->lock);
	err = wait_event_interruptible(opens == &p->writer_opens ? &p->read_wait : &p->write_wait, READ_ONCE(*opens) != before);
	mutex_lock(&p->lock);
	return *opens != before ? 0 : err;
}

static int fifo_open(struct inode *inode, struct file *f)
{
	struct pipe *p = fifo_pipe(inode);
	unsigned mode = f->mode & (FMODE_READ | FMODE_WRITE);
	bool nonblock = READ_ONCE(f->flags) & O_NONBLOCK;
	int err = 0;

	if (!p)
		return -ENOMEM;
	mutex_lock(&p->lock);
	if (mode == FMODE_WRITE && nonblock && !p->readers && !p->anonymous)
		err = -ENXIO;
	if (err || !mode) {
		mutex_unlock(&p->lock);
		fifo_put(inode, p);
		return err ? err : -EINVAL;
	}
	if (mode & FMODE_READ) {
		WRITE_ONCE(p->readers, p->readers + 1);
		WRITE_ONCE(p->reader_opens, p->reader_opens + 1);
		waitq_wake_key(&p->write_wait, 0, POLLOUT | POLLWRNORM);
	}
	if (mode & FMODE_WRITE) {
		WRITE_ONCE(p->writers, p->writers + 1);
		WRITE_ONCE(p->writer_opens, p->writer_opens + 1);
		waitq_wake_key(&p->read_wait, 0, 0);
	}
	f->private = p;
	f->ops = &pipe_file_ops;
	f->mode &= ~(unsigned)FMODE_LSEEK;
	f->pos = 0;
	if (p->anonymous) {
		/* Nobody to wait for. */
	} else if (mode == FMODE_READ && !p->writers) {
		if (nonblock)
			f->pos = p->writer_opens + 1ull;	/* no POLLHUP until a writer has come */
		else
			err = wait_partner(p, &p->writer_opens);
	} else if (mode == FMODE_WRITE && !p->readers) {
		err = wait_partner(p, &p->reader_opens);
	}
	mutex_unlock(&p->lock);
	if (err)
		pipe_release(f);
	return err;
}

const struct file_ops fifo_file_ops = { .open = fifo_open };
