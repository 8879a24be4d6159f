/* SPDX-License-Identifier: MIT */
/*
 * Open files: allocation, references, the last close.
 *
 * The memory of a file is freed after an RCU grace period, so that fd look-ups
 * may try to take a reference on one that is just being closed.
 */
#include <kernel/counter.h>
#include <kernel/errno.h>
#include <kernel/poll.h>
#include <kernel/print.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/uio.h>
#include "vfs_internal.h"

static struct kmem_cache *file_slab;
static struct spinlock deferred_lock = SPINLOCK_INIT(WORK);
static struct rcu_head *deferred;	/* [deferred_lock] files to close, linked by rcu.next */
static struct work deferred_work;

static void deferred_fn(struct work *w)
{
	for (;;) {
		unsigned long flags = spin_lock_irqsave(&deferred_lock);
		struct rcu_head *h = deferred;

		if (h)
			deferred = h->next;
		spin_unlock_irqrestore(&deferred_lock, flags);
		if (!h)
			return;
		file_put(container_of(h, struct file, rcu));
	}
}

void file_cache_init(void)
{
	file_slab = kmem_cache_create("file", sizeof(struct file), 64);
	work_init(&deferred_work, deferred_fn);
}

struct file *file_alloc(void)
{
	struct file *f = kmem_cache_alloc(file_slab, 0);

	if (!f)
		return NULL;
	memset(f, 0, sizeof(*f));
	ref_init(&f->refs);
	mutex_init(&f->pos_lock, LOCK_FILE_POS);
	spin_init(&f->lock, LOCK_FILE);
	list_init(&f->epoll_links);
	f->cred = cred_get_current();
	counter_add(COUNT_FILES, 1);
	return f;
}

void file_get(struct file *f) { ref_get(&f->refs); }

static void file_free_rcu(struct rcu_head *h)
{
	kmem_cache_free(file_slab, container_of(h, struct file, rcu));
}

static void file_destroy(struct file *f)
{
	if (f->ops && f->inode && !(f->mode & FMODE_PATH)) {
		if (!list_empty(&f->epoll_links))
			epoll_forget(f);
		notify_file(f->path.dentry, f->mode & FMODE_WRITE ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
		locks_remove_file(f);
		if (READ_ONCE(f->sigio))
			fasync_set(f, -1, false);
		if (f->ops->release)
			f->ops->release(f);
	}
	if (f->mode & FMODE_WROTE_MNT) {
		if (S_ISREG(inode_mode(f->inode)))
			inode_put_write(f->inode);
		mount_drop_write(f->path.mnt);
	}
	if (f->owner.pid)
		pid_put(f->owner.pid);
	if (f->mode & FMODE_DISSOLVE)
		mount_dissolve(f->path.mnt);
	path_put(&f->path);
	cred_put_here(f->cred);
	counter_add(COUNT_FILES, -1);
	rcu_call(&f->rcu, file_free_rcu);
}

void file_put(struct file *f)
{
	if (ref_put(&f->refs))
		file_destroy(f);
}

void file_put_deferred(struct file *f)
{
	unsigned long flags;
	int32_t n = ref_read(&f->refs);

	/* Only the last reference needs the work item; it carries that reference along. */
	while (n > 1)
		if (__atomic_compare_exchange_n(&f->refs.n, &n, n - 1, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
			return;
	flags = spin_lock_irqsave(&deferred_lock);
	f->rcu.next = deferred;
	deferred = &f->rcu;
	spin_unlock_irqrestore(&deferred_lock, flags);
	work_queue(&deferred_work);
}

void file_put_later(struct file *f)
{
	struct task *t = current;
	int32_t n = ref_read(&f->refs);

	if (!t->process || t->files_gone) {
		file_put_deferred(f);
		return;
	}
	while (n > 1)
		if (__atomic_compare_exchange_n(&f->refs.n, &n, n - 1, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
			return;
	f->rcu.next = t->files_later;
	t->files_later = &f->rcu;
}

void files_close_later(struct task *t)
{
	struct rcu_head *h;

	while ((h = t->files_later) != NULL) {	/* closing one may add others */
		t->files_later = h->next;
		file_put(container_of(h, struct file, rcu));
	}
}

unsigned file_poll(struct file *f, struct poll_table *pt)
{
	if (!f->ops || !f->ops->poll)
		return POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
	return f->ops->poll(f, pt);
}

int64_t file_read_kernel(struct file *f, void *buf, size_t n, uint64_t pos)
{
	struct uio u;

	uio_init_kernel(&u, buf, n);
	return vfs_read(f, &u, &pos);
}

int64_t file_write_kernel(struct file *f, const void *buf, size_t n, uint64_t pos)
{
	struct uio u;

	uio_init_kernel(&u, (void *)buf, n);
	return vfs_write(f, &u, &pos);
}

/* write_count > 0: writers; < 0: images being executed. */
int file_deny_write(struct file *f)
{
	int32_t n = READ_ONCE(f->inode->write_count);

	do {
		if (n > 0)
			return -ETXTBSY;
	} while (!__atomic_compare_exchange_n(&f->inode->write_count, &n, n - 1, true, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED));
	return 0;
}

void inode_put_write(struct inode *i)
{
	__atomic_sub_fetch(&i->write_count, 1, __ATOMIC_RELEASE);
}

void file_allow_write(struct file *f)
{
	__atomic_add_fetch(&f->inode->write_count, 1, __ATOMIC_RELEASE);
}

/*
 * SIGIO (fcntl(2) F_SETOWN, O_ASYNC): the owner is a process, a thread or a
 * group; what the setter could not signal is not signalled.
 */
bool fasync_can(const struct file *f) { return f->ops->fasync; }

int fasync_set(struct file *f, int fd, bool on)
{
	int err;

	if (!fasync_can(f))
		return on ? -ENOTTY : 0;

	/* First, and for good: two of these calls at once may end in either order. */
	WRITE_ONCE(f->sigio, true);
	err = f->ops->fasync(f, on);
	if (err < 0)
		return err;
	WRITE_ONCE(f->owner.fd, fd);
	return 0;
}

void file_set_owner(struct file *f, struct pid *pid, int type, bool force)
{
	struct pid *old;

	spin_lock(&f->lock);
	if (f->owner.pid && !force) {
		spin_unlock(&f->lock);
		return;
	}
	old = f->owner.pid;
	if (pid)
		pid_get(pid);
	f->owner.pid = pid;
	f->owner.pid_type = type;
	if (current->cred) {
		f->owner.uid = current->cred->uid;
		f->owner.euid = current->cred->euid;
	}
	spin_unlock(&f->lock);
	if (old)
		pid_put(old);
}

void file_sigio(struct file *f, int band)
{
	struct abi_siginfo info, *ip = NULL;
	struct fown owner;
	int sig;

	spin_lock(&f->lock);
	owner = f->owner;
	sig = READ_ONCE(f->owner.sig);
	if (owner.pid)
		pid_get(owner.pid);
	spin_unlock(&f->lock);
	if (!owner.pid)
		return;
	if (sig) {
		memset(&info, 0, sizeof(info));
		info.si_signo = sig;
		info.si_code = band & POLLIN ? POLL_IN : band & POLLOUT ? POLL_OUT : band & POLLPRI ? POLL_PRI : band & POLLHUP ? POLL_HUP : POLL_ERR;
		info.poll.band = band;
		info.poll.fd = READ_ONCE(f->owner.fd);
		ip = &info;
	} else {
		sig = 29;	/* SIGIO */
	}
	signal_send_owned(owner.pid, owner.pid_type, sig, ip, owner.uid, owner.euid);
	pid_put(owner.pid);
}
