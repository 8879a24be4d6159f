/* SPDX-License-Identifier: MIT */
/*
 * Pseudo-terminals (pty(7)).  The slave is a struct tty whose driver is the
 * master: what the slave puts out lands in a ring that the master reads, what
 * the master writes goes into the slave's rx ring and through its line
 * discipline at once, in the writer's context.
 *
 * Life: the master's file holds a reference on the slave's tty; the struct pty
 * is freed with that tty, and only then may another pty get its number: ttyname(3)
 * of a slave that outlived its master must not find a stranger's.  Closing the
 * master hangs up the slave and takes the name away; closing the last slave file
 * makes the master read EIO once the ring is empty, until somebody opens the slave again.
 *
 * Locks: the slave's tty.lock guards everything marked [lock] here.
 */
#include <kernel/print.h>
#include <kernel/radix.h>
#include "tty_internal.h"

enum { PTY_RING = 16384 };

struct pty {
	struct tty *slave;		/* [I] the master's reference */
	unsigned index;			/* [I] */
	struct inode *inode;		/* [I] in devpts */
	struct waitq wait;		/* the master's readers, writers and pollers */
	uint8_t *ring;			/* [lock] slave's output */
	size_t head, tail;		/* [lock] */
	bool closed;			/* [a] the master is gone */
	bool slave_closed;		/* [lock] was open, is not */
	bool locked;			/* [lock] TIOCSPTLCK */
	bool packet;			/* [lock] */
	bool exclusive;			/* [a] TIOCEXCL of the master, which nobody else can open anyway */
	unsigned status;		/* [lock] TIOCPKT_* bits to report */
	struct sigio_list sigio;	/* the master's */
	struct tty_turn read_turn, write_turn;
};

static struct mutex table_lock;		/* [MODULE] */
static struct radix_tree table;		/* [table_lock] index -> struct pty */

#define POLL_READ (POLLIN | POLLRDNORM)
#define POLL_WRITE (POLLOUT | POLLWRNORM)

static inline size_t min3(size_t a, size_t b, size_t c)
{
	return a < b ? (a < c ? a : c) : (b < c ? b : c);
}

/* ---- the slave's driver ---- */

static size_t slave_write(struct tty *t, const uint8_t *buf, size_t n)
{
	struct pty *p = t->pty;
	unsigned long flags = spin_lock_irqsave(&t->lock);
	size_t done = 0;

	if (READ_ONCE(p->closed)) {
		spin_unlock_irqrestore(&t->lock, flags);
		return n;		/* nobody will ever read it */
	}
	while (done < n && p->head - p->tail < PTY_RING) {
		size_t at = p->head % PTY_RING;
		size_t run = min3(n - done, PTY_RING - at, PTY_RING - (p->head - p->tail));

		memcpy(p->ring + at, buf + done, run);
		WRITE_ONCE(p->head, p->head + run);	/* poll looks without the lock */
		done += run;
	}
	spin_unlock_irqrestore(&t->lock, flags);
	if (done) {
		waitq_wake_key(&p->wait, 1, POLL_READ);
		sigio_send(&p->sigio, POLL_READ);
	}
	return done;
}

static void slave_flush_output(struct tty *t)
{
	struct pty *p = t->pty;
	unsigned long flags = spin_lock_irqsave(&t->lock);

	WRITE_ONCE(p->tail, p->head);
	spin_unlock_irqrestore(&t->lock, flags);
}

static const struct tty_driver_ops slave_driver = { .write = slave_write, .flush_output = slave_flush_output };

void pty_packet(struct tty *t, unsigned set, unsigned clear)
{
	struct pty *p = t->pty;
	unsigned long flags;
	bool on;

	if (!p)
		return;
	flags = spin_lock_irqsave(&t->lock);
	on = p->packet;
	if (on)
		WRITE_ONCE(p->status, (p->status & ~clear) | set);	/* poll looks without the lock, as at the next two */
	spin_unlock_irqrestore(&t->lock, flags);
	if (on)
		waitq_wake_key(&p->wait, 0, POLL_READ | POLLPRI);
}

void pty_slave_opened(struct tty *t)
{
	unsigned long flags = spin_lock_irqsave(&t->lock);

	WRITE_ONCE(t->pty->slave_closed, false);
	spin_unlock_irqrestore(&t->lock, flags);
}

void pty_slave_closed(struct tty *t)
{
	unsigned long flags = spin_lock_irqsave(&t->lock);

	if (t->opens == 0)
		WRITE_ONCE(t->pty->slave_closed, true);
	spin_unlock_irqrestore(&t->lock, flags);
	waitq_wake_key(&t->pty->wait, 0, POLL_READ | POLLHUP);
}

void pty_input_room(struct tty *t) { waitq_wake_key(&t->pty->wait, 1, POLL_WRITE); }
bool pty_master_gone(struct tty *t) { return READ_ONCE(t->pty->closed); }

int pty_slave_check(struct tty *t)
{
	return READ_ONCE(t->pty->closed) || READ_ONCE(t->pty->locked) ? -EIO : 0;
}

struct tty *pty_slave_find(unsigned index)
{
	struct tty *t = NULL;
	struct pty *p;

	mutex_lock(&table_lock);
	p = radix_find(&table, index);
	if (p) {
		t = p->slave;
		tty_get(t);
	}
	mutex_unlock(&table_lock);
	return t;
}

/* ---- the master's file ---- */

static size_t ring_take(struct pty *p, uint8_t *out, size_t max)
{
	unsigned long flags = spin_lock_irqsave(&p->slave->lock);
	size_t n = 0;

	while (n < max && p->tail != p->head) {
		size_t at = p->tail % PTY_RING, run = min3(max - n, PTY_RING - at, p->head - p->tail);

		memcpy(out + n, p->ring + at, run);
		WRITE_ONCE(p->tail, p->tail + run);
		n += run;
	}
	spin_unlock_irqrestore(&p->slave->lock, flags);
	return n;
}

static unsigned take_status(struct pty *p)
{
	unsigned long flags = spin_lock_irqsave(&p->slave->lock);
	unsigned s = p->packet ? p->status : 0;

	WRITE_ONCE(p->status, 0);
	spin_unlock_irqrestore(&p->slave->lock, flags);
	return s;
}

static bool master_readable(struct pty *p)
{
	return READ_ONCE(p->head) != READ_ONCE(p->tail) || (READ_ONCE(p->packet) && READ_ONCE(p->status)) || READ_ONCE(p->slave_closed);
}

static void pump_slave(struct pty *p)
{
	mutex_lock(&p->slave->out);
	tty_out_pump(p->slave);
	mutex_unlock(&p->slave->out);
}

static int64_t master_read_turn(struct pty *p, struct uio *u, bool nonblock)
{
	uint8_t chunk[512];
	int64_t got = 0;
	bool packet = READ_ONCE(p->packet);

	while (u->left) {
		size_t n, prefix = packet && !got ? 1 : 0;
		unsigned status = prefix ? take_status(p) : 0;

		if (status) {
			chunk[0] = (uint8_t)status;
			return uio_copy_to(u, chunk, 1) ? 1 : -EFAULT;
		}
		if (prefix && u->left == 1)
			n = READ_ONCE(p->head) != READ_ONCE(p->tail) ? 1 : 0;
		else
			n = ring_take(p, chunk + prefix, MIN(u->left, sizeof(chunk)) - prefix);
		if (n) {
			pump_slave(p);
			chunk[0] = prefix ? TIOCPKT_DATA : chunk[0];
			if (!(prefix && u->left == 1))
				n += prefix;
			if (uio_copy_to(u, chunk, n) < n)
				return got ? got : -EFAULT;
			got += (int64_t)n;
			if (n < sizeof(chunk))
				break;
			continue;
		}
		if (got)
			break;
		pump_slave(p);
		if (READ_ONCE(p->head) != READ_ONCE(p->tail))
			continue;
		if (READ_ONCE(p->slave_closed))
			return -EIO;
		if (nonblock)
			return -EAGAIN;
		int err = wait_event_interruptible(&p->wait, master_readable(p));

		if (err)
			return err;
	}
	return got;
}

static int64_t master_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct pty *p = f->private;
	bool nonblock = (READ_ONCE(f->flags) & O_NONBLOCK) != 0;
	int64_t ret = tty_turn_take(&p->read_turn, nonblock);

	if (ret)
		return ret;
	ret = master_read_turn(p, u, nonblock);
	tty_turn_give(&p->read_turn);
	return ret;
}

static size_t rx_room(struct tty *t)
{
	return TTY_RX_SIZE - (READ_ONCE(t->rx_head) - READ_ONCE(t->rx_tail));
}

static int64_t master_write(struct file *f, struct uio *u, uint64_t *pos)
{
	struct pty *p = f->private;
	struct tty *t = p->slave;
	bool nonblock = (READ_ONCE(f->flags) & O_NONBLOCK) != 0;
	uint8_t chunk[512];
	int64_t done = 0, err = tty_turn_take(&p->write_turn, nonblock);

	if (err)
		return err;
	while (u->left) {
		size_t room = rx_room(t), n;
		unsigned long flags;

		if (room == 0) {
			n_tty_process(t);
			room = rx_room(t);
		}
		if (room == 0) {
			err = nonblock ? -EAGAIN : wait_event_interruptible(&p->wait, rx_room(t) > 0);
			if (err)
				break;
			continue;
		}
		n = uio_copy_from(u, chunk, min3(u->left, sizeof(chunk), room));
		if (n == 0) {
			err = -EFAULT;
			break;
		}
		flags = spin_lock_irqsave(&t->lock);
		for (size_t i = 0; i < n; i++) {	/* fits: only the holder of the write turn adds */
			t->rx[t->rx_head % TTY_RX_SIZE] = chunk[i];
			WRITE_ONCE(t->rx_head, t->rx_head + 1);
		}
		spin_unlock_irqrestore(&t->lock, flags);
		done += (int64_t)n;
		n_tty_process(t);
	}
	tty_turn_give(&p->write_turn);
	return done ? done : err;
}

static unsigned master_poll(struct file *f, struct poll_table *pt)
{
	struct pty *p = f->private;
	unsigned ev = 0;

	poll_wait(pt, &p->wait);
	if (READ_ONCE(p->head) != READ_ONCE(p->tail))
		ev |= POLL_READ;
	if (READ_ONCE(p->packet) && READ_ONCE(p->status))
		ev |= POLLPRI | POLL_READ;
	if (READ_ONCE(p->slave_closed))
		ev |= POLLHUP;
	if (rx_room(p->slave))
		ev |= POLL_WRITE;
	return ev;
}

static int open_peer(struct pty *p, unsigned o_flags)
{
	char name[32];
	struct file *f;
	int fd, err;

	ksnprintf(name, sizeof(name), "/dev/pts/%u", p->index);
	err = file_open(AT_FDCWD, name, o_flags & ~(unsigned)O_CREAT, 0, &f);
	if (err)
		return err;
	if (f->inode != p->inode) {	/* something else is mounted there */
		file_put(f);
		return -ENODEV;
	}
	fd = fd_add(f, o_flags);
	if (fd < 0)
		file_put(f);
	return fd;
}

static long master_ioctl(struct file *f, unsigned cmd, uint64_t arg)
{
	struct pty *p = f->private;
	struct tty *t = p->slave;
	unsigned long flags;
	int32_t v = 0;

	switch (cmd) {
	case TIOCGPTN:
		v = (int32_t)p->index;
		return put_user(v, arg);
	case TIOCSPTLCK:
		if (get_user(v, arg))
			return -EFAULT;
		WRITE_ONCE(p->locked, v != 0);
		return 0;
	case TIOCGPTLCK:
		v = READ_ONCE(p->locked);
		return put_user(v, arg);
	case TIOCPKT:
		if (get_user(v, arg))
			return -EFAULT;
		flags = spin_lock_irqsave(&t->lock);
		if (v && !p->packet)
			WRITE_ONCE(p->status, 0);
		WRITE_ONCE(p->packet, v != 0);
		spin_unlock_irqrestore(&t->lock, flags);
		return 0;
	case TIOCGPKT:
		v = READ_ONCE(p->packet);
		return put_user(v, arg);
	case TIOCEXCL: case TIOCNXCL:
		WRITE_ONCE(p->exclusive, cmd == TIOCEXCL);
		return 0;
	case TIOCGEXCL:
		v = READ_ONCE(p->exclusive);
		return put_user(v, arg);
	case TIOCSTI: {		/* what is pushed there is for the master to read */
		uint8_t c;

		if (!capable(CAP_SYS_ADMIN))
			return -EIO;
		if (get_user(c, arg))
			return -EFAULT;
		(void)slave_write(t, &c, 1);
		return 0;
	}
	case TIOCGPTPEER:
		return open_peer(p, (unsigned)arg);
	case FIONREAD:
		v = (int32_t)(READ_ONCE(p->head) - READ_ONCE(p->tail));
		return put_user(v, arg);
	case TIOCOUTQ:
		v = 0;
		return put_user(v, arg);
	case TCFLSH:
		/* The master's input is the slave's output and the other way round. */
		if (arg > TCIOFLUSH)
			return -EINVAL;
		return tty_flush_queues(t, arg == TCIFLUSH ? TCOFLUSH : arg == TCOFLUSH ? TCIFLUSH : TCIOFLUSH);
	case TIOCSCTTY:
		return tty_ioctl_sctty(t, f, arg);
	case TIOCSPGRP:
		return tty_ioctl_spgrp(t, arg);
	}
	return tty_mode_ioctl(t, NULL, true, cmd, arg);
}

static void master_release(struct file *f)
{
	struct pty *p = f->private;
	struct tty *t = p->slave;

	WRITE_ONCE(p->closed, true);
	mutex_lock(&table_lock);
	radix_erase(&table, p->index);
	mutex_unlock(&table_lock);
	tty_vhangup(t, false);
	devpts_remove(p->index);
	inode_put(p->inode);
	tty_put(t);
}

static void master_show_fdinfo(struct file *f, char *buf, size_t max)
{
	ksnprintf(buf, max, "tty-index:\t%u\n", ((struct pty *)f->private)->index);
}

static int master_fasync(struct file *f, bool on) { return sigio_set(&((struct pty *)f->private)->sigio, f, on); }

static const struct file_ops master_ops = {
	.release = master_release,
	.read = master_read,
	.write = master_write,
	.poll = master_poll,
	.ioctl = master_ioctl,
	.fasync = master_fasync,
	.show_fdinfo = master_show_fdinfo,
};

/* The slave's tty is going away with its last reference, and the pty with it. */
void pty_free(struct pty *p)
{
	devpts_index_free(p->index);
	kfree(p->ring);
	kfree(p);
}

int pty_create(struct file *f)
{
	struct pty *p = kzalloc(sizeof(*p), 0);
	char name[24];
	int err = -ENOMEM;

	if (!p)
		return -ENOMEM;
	p->ring = kmalloc(PTY_RING, 0);
	if (!p->ring)
		goto free_memory;
	err = devpts_index_alloc(&p->index);
	if (err)
		goto free_memory;
	err = -ENOMEM;
	ksnprintf(name, sizeof(name), "pts/%u", p->index);
	p->slave = tty_alloc(name, KDEV(136, p->index), &slave_driver, p);
	if (!p->slave)
		goto free_pty;
	p->locked = true;
	waitq_init(&p->wait);
	sigio_init(&p->sigio);
	waitq_init(&p->read_turn.wait);
	waitq_init(&p->write_turn.wait);
	p->slave->pty = p;		/* from here the tty owns p */
	tty_reset_termios(p->slave);
	err = devpts_add(p->index, &p->inode);
	if (err)
		goto put_tty;
	mutex_lock(&table_lock);
	err = radix_insert(&table, p->index, p);
	mutex_unlock(&table_lock);
	if (err)
		goto remove_node;
	f->private = p;
	f->ops = &master_ops;
	f->mode &= ~(unsigned)FMODE_LSEEK;
	return 0;

remove_node:
	devpts_remove(p->index);
	inode_put(p->inode);
put_tty:
	tty_put(p->slave);
	return err;
free_pty:
	pty_free(p);
	return err;
free_memory:
	kfree(p->ring);
	kfree(p);
	return err;
}

void pty_init(void)
{
	mutex_init(&table_lock, LOCK_MODULE);
}
