/* SPDX-License-Identifier: MIT */
/*
 * POSIX message queues (mq_overview(7)): what is done with an open one.  The
 * names are in mqueue_fs.c.
 *
 * Messages are kept by priority, oldest first among equals.  A notification is
 * sent once, when a message comes to an empty queue that nobody is waiting at,
 * and belongs to a process until that process closes the descriptor.
 *
 * Not there: SIGEV_THREAD, which needs a netlink socket.
 */
#include "ipc/mqueue_internal.h"

enum { MQ_DEFAULT_MSGS = 10, MQ_DEFAULT_SIZE = 8192, MQ_HARD_MSGS = 65536, MQ_HARD_SIZE = 16 << 20, MQ_PRIO_MAX = 32768 };
enum { SIGEV_SIGNAL = 0, SIGEV_NONE = 1, SIGEV_THREAD = 2 };

struct mq_msg { struct list_head link; unsigned prio; size_t len; uint8_t data[]; };

static int attr_check(const struct abi_mq_attr *a)
{
	bool big = capable(CAP_SYS_RESOURCE);

	if (a->maxmsg <= 0 || a->msgsize <= 0)
		return -EINVAL;
	if (a->maxmsg > (big ? MQ_HARD_MSGS : MQ_DEFAULT_MSGS) || a->msgsize > (big ? MQ_HARD_SIZE : MQ_DEFAULT_SIZE))
		return -EINVAL;
	return 0;
}

/* What a queue counts for in its user's RLIMIT_MSGQUEUE: as on Linux, a full one, each message of a priority of its own (mq_overview(7)). */
static int64_t cost(const struct abi_mq_attr *a)
{
	enum { MESSAGE = 48, PRIORITY = 48 };

	return a->maxmsg * (a->msgsize + MESSAGE) + MIN(a->maxmsg, (int64_t)MQ_PRIO_MAX) * PRIORITY;
}

int mqueue_create(const struct abi_mq_attr *attr, struct mqueue **out)
{
	static const struct abi_mq_attr usual = { .maxmsg = MQ_DEFAULT_MSGS, .msgsize = MQ_DEFAULT_SIZE };
	const struct abi_mq_attr *a = attr ? attr : &usual;
	struct mqueue *q;
	int err = attr_check(a);

	if (err)
		return err;
	q = kzalloc(sizeof(*q), 0);
	if (!q)
		return -ENOMEM;
	q->cost = cost(a);
	if (!user_charge(&current->cred->user->mq_bytes, q->cost, rlimit_get(RLIMIT_MSGQUEUE))) {
		kfree(q);
		return -EMFILE;
	}
	q->owner = user_account_current();
	q->max_msgs = a->maxmsg;
	q->msg_size = a->msgsize;
	mutex_init(&q->lock, LOCK_IPC_OBJECT);
	list_init(&q->msgs);
	waitq_init(&q->read_wait);
	waitq_init(&q->write_wait);
	*out = q;
	return 0;
}

void mqueue_free(struct mqueue *q)
{
	while (!list_empty(&q->msgs)) {
		struct mq_msg *m = list_first(&q->msgs, struct mq_msg, link);

		list_del(&m->link);
		kfree(m);
	}
	if (q->notify)
		process_put(q->notify);
	user_uncharge(&q->owner->mq_bytes, q->cost);
	user_account_put(q->owner);
	kfree(q);
}

long sys_mq_open(uaddr_t uname, unsigned o_flags, unsigned mode, uaddr_t uattr)
{
	struct abi_mq_attr a;
	struct file *f;
	char *name;
	int err, fd;

	if (uattr && copy_from_user(&a, uattr, sizeof(a)))
		return -EFAULT;
	err = path_name_from_user(uname, 0, &name);
	if (err)
		return err;
	fd = fd_reserve(0, O_CLOEXEC);	/* message queue descriptors are always close-on-exec */
	if (fd >= 0) {
		err = mqueue_fs_open(name, o_flags, mode, uattr ? &a : NULL, &f);
		if (err) {
			fd_unreserve(fd);
			fd = err;
		} else {
			fd_install(fd, f);
		}
	}
	kfree(name);
	return fd;
}

long sys_mq_unlink(uaddr_t uname)
{
	char *name;
	int err = path_name_from_user(uname, 0, &name);

	if (err)
		return err;
	err = mqueue_fs_unlink(name);
	kfree(name);
	return err;
}

/* ---- files ---- */

static void drop_notification(struct mqueue *q, struct process *p)
{
	struct process *gone = NULL;

	mutex_lock(&q->lock);
	if (q->notify && (!p || q->notify == p)) {
		gone = q->notify;
		q->notify = NULL;
	}
	mutex_unlock(&q->lock);
	if (gone)
		process_put(gone);
}

static int mq_open(struct inode *i, struct file *f)
{
	if (f->flags & O_DIRECT)
		return -EINVAL;
	f->private = i->fs_private;
	f->mode |= FMODE_NO_DIRECT;
	return 0;
}

static int mq_flush(struct file *f)
{
	if (current->process)
		drop_notification(f->private, current->process);
	return 0;
}

static int64_t mq_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct mqueue *q = f->private;
	char text[128];
	size_t n;

	mutex_lock(&q->lock);
	n = (size_t)ksnprintf(text, sizeof(text), "QSIZE:%-10llu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n", (unsigned long long)q->bytes,
		q->notify ? q->event.notify : 0, q->notify && q->event.notify == SIGEV_SIGNAL ? q->event.signo : 0,
		q->notify ? process_pid(q->notify) : 0);
	mutex_unlock(&q->lock);
	if (*pos >= n)
		return 0;
	n = uio_copy_to(u, text + *pos, MIN(n - (size_t)*pos, u->left));
	if (!n && u->left)
		return -EFAULT;
	*pos += n;
	return (int64_t)n;
}

static unsigned mq_poll(struct file *f, struct poll_table *pt)
{
	struct mqueue *q = f->private;
	int64_t n;

	poll_wait(pt, &q->read_wait);
	poll_wait(pt, &q->write_wait);
	n = READ_ONCE(q->count);
	return (n ? POLLIN | POLLRDNORM : 0) | (n < q->max_msgs ? POLLOUT | POLLWRNORM : 0);
}

/* Of the text.  Unlike in other files a negative place is one before the end, where a hole is looked for. */
static int64_t mq_llseek(struct file *f, int64_t off, int whence)
{
	int64_t size = (int64_t)READ_ONCE(f->inode->size);

	if ((whence != SEEK_DATA && whence != SEEK_HOLE) || off >= 0)
		return vfs_llseek(f, off, whence);
	if (whence == SEEK_DATA)
		return -EINVAL;
	f->pos = (uint64_t)size;
	return size;
}

const struct file_ops mqueue_file_ops = { .open = mq_open, .read = mq_read, .plain_read = true, .poll = mq_poll, .flush = mq_flush, .llseek = mq_llseek };

static int mq_get(int fd, unsigned mode, struct file **f, struct mqueue **q)
{
	*f = fd_get(fd);		/* no O_PATH descriptor */
	if (!*f)
		return -EBADF;
	if ((*f)->ops != &mqueue_file_ops || (mode && !((*f)->mode & mode))) {
		file_put(*f);
		return -EBADF;
	}
	*q = (*f)->private;
	return 0;
}

/* An absolute time of CLOCK_REALTIME as a monotonic deadline. */
static int real_deadline(uaddr_t timeout, uint64_t *deadline)
{
	struct abi_timespec ts;
	uint64_t real, now;

	*deadline = UINT64_MAX;
	if (!timeout)
		return 0;
	if (copy_from_user(&ts, timeout, sizeof(ts)))
		return -EFAULT;
	if (timespec_check(&ts))
		return -EINVAL;
	real = timespec_ns(&ts);
	now = time_real_ns();
	*deadline = hal_time_mono_ns() + (real > now ? real - now : 0);
	return 0;
}

/* [lock] what the notification says, for after the unlock. */
static struct process *take_notification(struct mqueue *q, struct abi_sigevent *ev)
{
	struct process *p = q->count == 0 && q->receivers == 0 ? q->notify : NULL;

	if (p) {
		*ev = q->event;
		q->notify = NULL;
	}
	return p;
}

static void notify(struct process *p, const struct abi_sigevent *ev)
{
	struct abi_siginfo info = { .si_signo = ev->signo, .si_code = SI_MESGQ };

	if (ev->notify == SIGEV_SIGNAL && ev->signo) {
		info.kill.pid = process_pid(current->process);
		info.kill.uid = current->cred->uid;
		info.kill.value = ev->value;
		(void)signal_send_process(p, ev->signo, &info);
	}
	process_put(p);
}

/* Sleeps, unlocked, until `ready` may be true.  [lock] */
#define MQ_WAIT(q, queue, ready, deadline) ({ \
	int mw_; \
	mutex_unlock(&(q)->lock); \
	mw_ = wait_event_interruptible_until(&(q)->queue, ready, deadline); \
	mutex_lock(&(q)->lock); \
	mw_; })

static NO_TSA int send(struct mqueue *q, struct mq_msg *m, bool nonblock, uint64_t deadline)
{
	struct abi_sigevent ev = { 0 };
	struct process *p;
	struct mq_msg *at;
	int err = 0;

	mutex_lock(&q->lock);
	while (!err && q->count >= q->max_msgs)
		err = nonblock ? -EAGAIN : MQ_WAIT(q, write_wait, READ_ONCE(q->count) < q->max_msgs, deadline);
	if (err) {
		mutex_unlock(&q->lock);
		return err;
	}
	p = take_notification(q, &ev);
	list_for_each(at, &q->msgs, link)
		if (at->prio < m->prio)
			break;
	list_add_tail(&m->link, &at->link);	/* before the first of lower priority, or at the end */
	WRITE_ONCE(q->count, q->count + 1);
	q->bytes += m->len;
	mutex_unlock(&q->lock);
	waitq_wake_key(&q->read_wait, 1, POLLIN | POLLRDNORM);
	if (p)
		notify(p, &ev);
	return 0;
}

long sys_mq_timedsend(int fd, uaddr_t umsg, size_t len, unsigned prio, uaddr_t timeout)
{
	uint64_t deadline;
	struct mqueue *q;
	struct mq_msg *m;
	struct file *f;
	int err;

	err = real_deadline(timeout, &deadline);
	if (!err && prio >= MQ_PRIO_MAX)
		err = -EINVAL;
	if (!err)
		err = mq_get(fd, FMODE_WRITE, &f, &q);
	if (err)
		return err;
	err = -EMSGSIZE;
	if (len > (uint64_t)q->msg_size)
		goto put;
	err = -ENOMEM;
	m = kmalloc(sizeof(*m) + len, 0);
	if (!m)
		goto put;
	m->len = len;
	m->prio = prio;
	err = len ? copy_from_user(m->data, umsg, len) : 0;
	if (!err)
		err = send(q, m, READ_ONCE(f->flags) & O_NONBLOCK, deadline);
	if (err)
		kfree(m);
put:
	file_put(f);
	return err;
}

static NO_TSA int receive(struct mqueue *q, bool nonblock, uint64_t deadline, struct mq_msg **out)
{
	int err = 0;

	mutex_lock(&q->lock);
	while (!err && q->count == 0) {
		if (nonblock) {
			err = -EAGAIN;
			break;
		}
		q->receivers++;
		err = MQ_WAIT(q, read_wait, READ_ONCE(q->count) > 0, deadline);
		q->receivers--;
	}
	if (!err) {
		*out = list_first(&q->msgs, struct mq_msg, link);
		list_del(&(*out)->link);
		WRITE_ONCE(q->count, q->count - 1);
		q->bytes -= (*out)->len;
	}
	mutex_unlock(&q->lock);
	if (!err)
		waitq_wake_key(&q->write_wait, 1, POLLOUT | POLLWRNORM);
	return err;
}

long sys_mq_timedreceive(int fd, uaddr_t umsg, size_t len, uaddr_t uprio, uaddr_t timeout)
{
	uint64_t deadline;
	struct mqueue *q;
	struct mq_msg *m;
	struct file *f;
	long ret = real_deadline(timeout, &deadline);

	if (!ret)
		ret = mq_get(fd, FMODE_READ, &f, &q);
	if (ret)
		return ret;
	ret = len < (uint64_t)q->msg_size ? -EMSGSIZE : receive(q, READ_ONCE(f->flags) & O_NONBLOCK, deadline, &m);
	if (!ret) {
		ret = (long)m->len;
		if ((uprio && put_user(m->prio, uprio)) || (m->len && copy_to_user(umsg, m->data, m->len)))
			ret = -EFAULT;
		kfree(m);
	}
	file_put(f);
	return ret;
}

long sys_mq_notify(int fd, uaddr_t sevp)
{
	struct abi_sigevent ev = { 0 };
	struct mqueue *q;
	struct file *f;
	int err;

	if (sevp) {
		if (copy_from_user(&ev, sevp, sizeof(ev)))
			return -EFAULT;
		if (ev.notify == SIGEV_THREAD)
			return -ENOSYS;
		if (ev.notify != SIGEV_NONE && ev.notify != SIGEV_SIGNAL)
			return -EINVAL;
		if (ev.notify == SIGEV_SIGNAL && (ev.signo < 0 || ev.signo > SIGRTMAX))
			return -EINVAL;
	}
	err = mq_get(fd, 0, &f, &q);
	if (err)
		return err;
	if (!sevp) {
		drop_notification(q, current->process);
	} else {
		mutex_lock(&q->lock);
		if (q->notify) {
			err = -EBUSY;
		} else {
			process_get(current->process);
			q->notify = current->process;
			q->event = ev;
		}
		mutex_unlock(&q->lock);
	}
	file_put(f);
	return err;
}

long sys_mq_getsetattr(int fd, uaddr_t new_attr, uaddr_t old_attr)
{
	struct abi_mq_attr new, old;
	struct mqueue *q;
	struct file *f;
	int err;

	if (new_attr) {
		if (copy_from_user(&new, new_attr, sizeof(new)))
			return -EFAULT;
		if (new.flags & ~(int64_t)O_NONBLOCK)
			return -EINVAL;
	}
	err = mq_get(fd, 0, &f, &q);
	if (err)
		return err;
	old = (struct abi_mq_attr){ .flags = READ_ONCE(f->flags) & O_NONBLOCK, .maxmsg = q->max_msgs, .msgsize = q->msg_size, .curmsgs = READ_ONCE(q->count) };
	if (new_attr) {
		spin_lock(&f->lock);
		WRITE_ONCE(f->flags, (f->flags & ~(unsigned)O_NONBLOCK) | (unsigned)new.flags);
		spin_unlock(&f->lock);
	}
	file_put(f);
	return old_attr ? copy_to_user(old_attr, &old, sizeof(old)) : 0;
}
