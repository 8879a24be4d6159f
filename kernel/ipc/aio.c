/* SPDX-License-Identifier: MIT */
/*
 * Native asynchronous I/O: io_setup(2), io_submit(2), io_getevents(2).
 *
 * A context belongs to an address space; its id is the address of a page
 * mapped there, as on Linux, where user libraries look for a ring of events in
 * it.  They find no magic number and make the system call.
 *
 * A request runs while it is submitted, which is what Linux does with files
 * that go through the page cache; its result is an event in the context's
 * ring.  Room for the event is reserved first: what was submitted can always
 * be completed.  A submission that is wrong in itself gives an error at once;
 * an error of the I/O is the event's result.
 *
 * Locks: table lock (which contexts there are), a context's mutex (its ring;
 * held while events are copied out, so that a fault loses none).
 *
 * Refused: IOCB_CMD_POLL.  Nothing is ever in flight: io_cancel() finds nothing.
 */
#include <kernel/radix.h>
#include <kernel/vm.h>
#include "ipc_internal.h"
#include "mm/mman.h"

enum { CMD_PREAD, CMD_PWRITE, CMD_FSYNC, CMD_FDSYNC, CMD_POLL = 5, CMD_NOOP, CMD_PREADV, CMD_PWRITEV };
enum { IOCB_RESFD = 1, IOCB_IOPRIO = 2 };
enum { AIO_MAX_NR = 65536 };

struct abi_iocb {
	uint64_t data;
	uint32_t key, rw_flags;
	uint16_t opcode;
	int16_t reqprio;
	uint32_t fd;
	uint64_t buf, nbytes;
	int64_t offset;
	uint64_t reserved2;
	uint32_t flags, resfd;
};
struct abi_io_event { uint64_t data, obj; int64_t res, res2; };

struct aio_table {			/* of an address space */
	struct spinlock lock;		/* [AIO_TABLE] */
	struct radix_tree contexts;	/* [lock] by page number of the id */
};
struct aio {
	struct refcount refs;
	struct mutex lock;		/* [AIO] */
	struct abi_io_event *ring;	/* [lock] */
	unsigned size, head, count;	/* [lock] completed events from head on; count is read without it */
	unsigned reserved;		/* [lock] places for requests that are running */
	unsigned max;			/* [I] what was asked for: counts against AIO_MAX_NR */
	bool dead;			/* [lock] */
	uaddr_t id;			/* [I] */
	struct waitq wait;
};
static unsigned aio_total;		/* [a] sum of max */

uint64_t aio_in_use(void) { return __atomic_load_n(&aio_total, __ATOMIC_RELAXED); }

static void aio_put(struct aio *c)
{
	if (!ref_put(&c->refs))
		return;
	__atomic_sub_fetch(&aio_total, c->max, __ATOMIC_RELAXED);
	kfree(c->ring);
	kfree(c);
}

static void aio_kill(struct aio *c)
{
	mutex_lock(&c->lock);
	WRITE_ONCE(c->dead, true);
	mutex_unlock(&c->lock);
	waitq_wake_all(&c->wait);
	aio_put(c);
}

static struct aio_table *table_of(struct vm_space *vm)
{
	struct aio_table *t = __atomic_load_n(&vm->aio, __ATOMIC_ACQUIRE), *none = NULL;

	if (t)
		return t;
	t = kzalloc(sizeof(*t), 0);
	if (!t)
		return NULL;
	spin_init(&t->lock, LOCK_AIO_TABLE);
	if (!__atomic_compare_exchange_n(&vm->aio, &none, t, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		kfree(t);
		t = none;
	}
	return t;
}

static struct aio *aio_find(uint64_t id)
{
	struct aio_table *t = __atomic_load_n(&current->vm->aio, __ATOMIC_ACQUIRE);
	struct aio *c = NULL;

	if (!t || (id & (PAGE_SIZE - 1)))
		return NULL;
	spin_lock(&t->lock);
	c = radix_find(&t->contexts, id >> PAGE_SHIFT);
	if (c)
		ref_get(&c->refs);
	spin_unlock(&t->lock);
	return c;
}

/* Out of the table: the caller has the table's reference then. */
static struct aio *table_take(struct aio_table *t, uint64_t id)
{
	struct aio *c;

	spin_lock(&t->lock);
	c = radix_erase(&t->contexts, id >> PAGE_SHIFT);
	spin_unlock(&t->lock);
	return c;
}

void aio_vm_gone(struct vm_space *vm)
{
	struct aio_table *t = vm->aio;
	struct aio *c;
	uint64_t index;

	if (!t)
		return;
	for (index = 0; (c = radix_next(&t->contexts, &index)) != NULL; index++) {
		(void)table_take(t, index << PAGE_SHIFT);
		aio_kill(c);
	}
	radix_destroy(&t->contexts);
	kfree(t);
	vm->aio = NULL;
}

long sys_io_setup(unsigned n, uaddr_t out)
{
	struct aio_table *t;
	struct aio *c;
	uint64_t id;
	int64_t at;
	int err;

	if (get_user(id, out))
		return -EFAULT;
	if (id || !n)
		return -EINVAL;
	/* As Linux counts: twice as many events as were asked for, in 32 bits, of 32 bytes each. */
	if (MAX(n, 4u) * 2 > 0x10000000 / 32)
		return -EINVAL;
	if (n > AIO_MAX_NR)
		return -EAGAIN;
	if (__atomic_add_fetch(&aio_total, n, __ATOMIC_RELAXED) > AIO_MAX_NR) {
		__atomic_sub_fetch(&aio_total, n, __ATOMIC_RELAXED);
		return -EAGAIN;
	}
	c = kzalloc(sizeof(*c), 0);
	if (!c) {
		__atomic_sub_fetch(&aio_total, n, __ATOMIC_RELAXED);
		return -ENOMEM;
	}
	ref_init(&c->refs);
	mutex_init(&c->lock, LOCK_AIO);
	waitq_init(&c->wait);
	c->max = n;
	c->size = MAX(n, 16u) * 2;	/* room beyond what was asked for, as on Linux */
	c->ring = kmalloc(c->size * sizeof(c->ring[0]), 0);
	t = table_of(current->vm);
	err = -ENOMEM;
	if (!c->ring || !t)
		goto fail;
	at = vm_mmap(current->vm, 0, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);
	err = (int)at;
	if (at < 0)
		goto fail;
	c->id = (uaddr_t)at;
	spin_lock(&t->lock);
	err = radix_insert(&t->contexts, c->id >> PAGE_SHIFT, c);
	spin_unlock(&t->lock);
	if (err)
		goto unmap;
	id = c->id;
	if (!put_user(id, out))
		return 0;
	/* Who guessed the id may have destroyed it already. */
	if (!table_take(t, id))
		return -EFAULT;
	err = -EFAULT;
unmap:
	(void)!vm_munmap(current->vm, c->id, PAGE_SIZE);
fail:
	aio_put(c);
	return err;
}

long sys_io_destroy(uint64_t id)
{
	struct aio_table *t = __atomic_load_n(&current->vm->aio, __ATOMIC_ACQUIRE);
	struct aio *c = t && !(id & (PAGE_SIZE - 1)) ? table_take(t, id) : NULL;

	if (!c)
		return -EINVAL;
	(void)!vm_munmap(current->vm, c->id, PAGE_SIZE);
	aio_kill(c);
	return 0;
}

/* ---- requests ---- */

static int do_fsync(struct file *f, const struct abi_iocb *cb, int64_t *res)
{
	if (cb->buf || cb->offset || cb->nbytes || cb->rw_flags)
		return -EINVAL;
	if (!f->ops->fsync)
		return -EINVAL;
	*res = file_fsync(f, cb->opcode == CMD_FDSYNC);
	return 0;
}

static int do_rw(struct file *f, const struct abi_iocb *cb, int64_t *res)
{
	bool write = cb->opcode == CMD_PWRITE || cb->opcode == CMD_PWRITEV;

	if (!(f->mode & (write ? FMODE_WRITE : FMODE_READ)))
		return -EBADF;
	if (write ? !f->ops->write : !f->ops->read)
		return -EINVAL;
	if (cb->offset < 0)
		return -EINVAL;
	*res = file_rw_user(f, cb->buf, cb->nbytes, cb->offset, (f->mode & FMODE_LSEEK) != 0, cb->rw_flags, write,
		cb->opcode == CMD_PREADV || cb->opcode == CMD_PWRITEV);
	/* Nothing is submitted again by itself. */
	if (*res == -ERESTARTSYS || *res == -ERESTARTNOINTR || *res == -ERESTARTNOHAND || *res == -ERESTART_RESTARTBLOCK)
		*res = -EINTR;
	/* What the arguments are to blame for is an error of the submission. */
	return *res == -EFAULT || *res == -EOPNOTSUPP ? (int)*res : 0;
}

/* 0: *res is the event's. */
static int run(const struct abi_iocb *cb, uaddr_t ucb, struct file *notify, int64_t *res)
{
	struct file *f = fd_get((int)cb->fd);
	int err;

	if (!f)
		return -EBADF;
	if ((cb->flags & IOCB_RESFD) && !notify)
		err = -EBADF;
	else if (notify && !eventfd_is(notify))
		err = -EINVAL;
	else if (put_user((uint32_t)0, ucb + offsetof(struct abi_iocb, key)))
		err = -EFAULT;
	else
		switch (cb->opcode) {
		case CMD_PREAD: case CMD_PWRITE: case CMD_PREADV: case CMD_PWRITEV: err = do_rw(f, cb, res); break;
		case CMD_FSYNC: case CMD_FDSYNC: err = do_fsync(f, cb, res); break;
		default: err = -EINVAL;
		}
	file_put(f);
	return err;
}

static int submit_one(struct aio *c, uaddr_t ucb)
{
	struct file *notify = NULL;
	struct abi_iocb cb;
	int64_t res = 0;
	int err;

	if (copy_from_user(&cb, ucb, sizeof(cb)))
		return -EFAULT;
	if (cb.reserved2 || (int64_t)cb.nbytes < 0)
		return -EINVAL;
	mutex_lock(&c->lock);
	err = c->dead ? -EINVAL : c->count + c->reserved == c->size ? -EAGAIN : 0;
	if (!err)
		c->reserved++;
	mutex_unlock(&c->lock);
	if (err)
		return err;
	if (cb.flags & IOCB_RESFD)
		notify = fd_get((int)cb.resfd);
	err = run(&cb, ucb, notify, &res);
	mutex_lock(&c->lock);
	c->reserved--;
	if (!err) {
		c->ring[(c->head + c->count) % c->size] = (struct abi_io_event){ .data = cb.data, .obj = ucb, .res = res };
		WRITE_ONCE(c->count, c->count + 1);
	}
	mutex_unlock(&c->lock);
	if (!err) {
		waitq_wake_all(&c->wait);
		if (notify)
			eventfd_add(notify, 1);
	}
	if (notify)
		file_put(notify);
	return err;
}

long sys_io_submit(uint64_t id, long n, uaddr_t iocbs)
{
	struct aio *c;
	long done = 0;
	int err = 0;

	if (n < 0)
		return -EINVAL;
	c = aio_find(id);
	if (!c)
		return -EINVAL;
	for (; done < n && !err; done++) {
		uint64_t ucb;

		err = get_user(ucb, iocbs + (uint64_t)done * 8) ? -EFAULT : submit_one(c, ucb);
		if (err || fatal_signal_pending(current))
			break;
	}
	aio_put(c);
	return done ? done : err;
}

long sys_io_cancel(uint64_t id, uaddr_t iocb, uaddr_t result)
{
	struct aio *c;
	uint32_t key;

	if (get_user(key, iocb + offsetof(struct abi_iocb, key)))
		return -EFAULT;
	c = key ? NULL : aio_find(id);
	if (c)
		aio_put(c);
	return -EINVAL;
}

/* ---- events ---- */

/* Completed events at the head of the ring, at most n, to the user: their number or -EFAULT, -EINVAL (destroyed). */
static long take_events(struct aio *c, uaddr_t out, long n)
{
	long got = 0;

	mutex_lock(&c->lock);
	if (c->dead)
		got = -EINVAL;
	while (got >= 0 && got < n && c->count) {
		if (copy_to_user(out + (uint64_t)got * sizeof(c->ring[0]), &c->ring[c->head], sizeof(c->ring[0]))) {
			got = got ? got : -EFAULT;
			break;
		}
		c->head = (c->head + 1) % c->size;
		WRITE_ONCE(c->count, c->count - 1);
		got++;
	}
	mutex_unlock(&c->lock);
	return got;
}

static long get_events(uint64_t id, long min, long n, uaddr_t out, uint64_t deadline)
{
	struct aio *c = aio_find(id);
	long got = 0, r = 0;

	if (!c)
		return -EINVAL;
	if (min < 0 || min > n) {
		aio_put(c);
		return -EINVAL;
	}
	for (;;) {
		r = take_events(c, out + (uint64_t)got * sizeof(struct abi_io_event), n - got);
		if (r < 0)
			break;
		got += r;
		if (got >= min || deadline == 0)
			break;
		r = wait_event_interruptible_until(&c->wait, READ_ONCE(c->count) || READ_ONCE(c->dead), deadline);
		if (r) {
			r = r == -ETIMEDOUT ? 0 : -EINTR;
			break;
		}
	}
	aio_put(c);
	return got ? got : r < 0 ? r : 0;
}

long sys_io_getevents(uint64_t id, long min, long n, uaddr_t events, uaddr_t timeout)
{
	uint64_t deadline;
	int err = deadline_from_user(timeout, &deadline);

	return err ? err : get_events(id, min, n, events, deadline);
}

long sys_io_pgetevents(uint64_t id, long min, long n, uaddr_t events, uaddr_t timeout, uaddr_t usig)
{
	struct { uint64_t mask, size; } sig = { 0, 0 };
	bool masked = false;
	uint64_t deadline;
	struct abi_timespec ts;
	long ret;

	/* Neither can be read: that comes before what the time says. */
	if ((timeout && get_user(ts, timeout)) || (usig && copy_from_user(&sig, usig, sizeof(sig))))
		return -EFAULT;
	ret = deadline_from_user(timeout, &deadline);
	if (ret)
		return ret;
	if (sig.mask)
		ret = sigmask_enter(sig.mask, sig.size, &masked);
	if (ret)
		return ret;
	ret = get_events(id, min, n, events, deadline);
	if (masked && ret != -EINTR)
		signal_restore_mask();
	return ret;
}
