/* SPDX-License-Identifier: MIT */
/*
 * File locks: POSIX record locks (owned by a descriptor table), open file
 * description locks (owned by an open file) and flock(2) locks.
 *
 * An inode gets a struct file_locks with its first lock and keeps it until it
 * is freed.  Record locks of one owner never overlap: setting one cuts or
 * merges what the owner has.  Who must wait sleeps on the inode's wait queue
 * and looks again: whoever changes a lock wakes all, who from then on wait for
 * nobody, though they have not run yet.  A POSIX lock that would close a circle of owners that
 * wait for each other is refused (EDEADLK); open file description locks are
 * not checked, as in Linux.
 */
#include <kernel/errno.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/uaccess.h>
#include <kernel/wait.h>
#include "syscall/syscall_impl.h"
#include "vfs_internal.h"

enum { F_RDLCK = 0, F_WRLCK = 1, F_UNLCK = 2 };
enum { LOCK_SH = 1, LOCK_EX = 2, LOCK_NB = 4, LOCK_UN = 8 };
struct abi_flock { int16_t type, whence; int32_t pad0; int64_t start, len; int32_t pid, pad1; };

struct file_lock {
	struct list_head link;
	const void *owner;		/* struct files (POSIX), struct file (OFD, flock) */
	uint64_t start, end;		/* inclusive */
	int type;
	pid_t pid;			/* -1: OFD */
};
struct file_locks {
	struct spinlock lock;		/* [FLOCK] */
	struct list_head records, flocks;	/* [lock] */
	struct list_head waiting;	/* [FLOCK_WAITS] struct lock_wait of those who wait for a record here */
	struct waitq wait;
};

/* Owners of POSIX locks that wait, and for whom. */
struct lock_wait { struct lock_wait *next; struct list_head here; const void *owner, *blocker; };
enum { WAIT_HASH = 256 };
static struct spinlock waits_lock = SPINLOCK_INIT(FLOCK_WAITS);
static struct lock_wait *waits[WAIT_HASH];	/* [waits_lock] by owner */

static struct file_locks *locks_get(struct inode *i)
{
	struct file_locks *l = load_acquire(&i->locks), *none = NULL;

	if (l)
		return l;
	l = kzalloc(sizeof(*l), 0);
	if (!l)
		return NULL;
	spin_init(&l->lock, LOCK_FLOCK);
	list_init(&l->records);
	list_init(&l->flocks);
	list_init(&l->waiting);
	waitq_init(&l->wait);
	if (__atomic_compare_exchange_n(&i->locks, &none, l, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return l;
	kfree(l);
	return none;
}

static void list_free(struct list_head *h)
{
	while (!list_empty(h)) {
		struct file_lock *fl = list_first(h, struct file_lock, link);

		list_del(&fl->link);
		kfree(fl);
	}
}

void inode_free_locks(struct inode *i)
{
	if (!i->locks)
		return;
	list_free(&i->locks->records);
	list_free(&i->locks->flocks);
	kfree(i->locks);
	i->locks = NULL;
}

static bool overlaps(const struct file_lock *a, const struct file_lock *b) { return a->start <= b->end && b->start <= a->end; }

/* [l->lock] The first lock of another owner that keeps `want` from being set; if that is F_UNLCK, the owner's first that it would take away. */
static struct file_lock *conflict(struct list_head *h, const struct file_lock *want)
{
	struct file_lock *fl;

	list_for_each(fl, h, link)
		if (want->type == F_UNLCK ? fl->owner == want->owner && overlaps(fl, want)
					  : fl->owner != want->owner && overlaps(fl, want) && (fl->type == F_WRLCK || want->type == F_WRLCK))
			return fl;
	return NULL;
}

/*
 * [l->lock] Give the owner exactly `want` on its range.  spare[2]: memory for
 * the new lock and for the second half of one that is cut in two.
 */
static void record_apply(struct file_locks *l, struct file_lock *want, struct file_lock *spare[2])
{
	struct file_lock *fl, *tmp;
	struct list_head dead;

	list_init(&dead);
	list_for_each_safe(fl, tmp, &l->records, link) {
		bool touches;

		if (fl->owner != want->owner)
			continue;
		touches = fl->start <= (want->end == INT64_MAX ? want->end : want->end + 1) &&
			  want->start <= (fl->end == INT64_MAX ? fl->end : fl->end + 1);
		if (fl->type == want->type) {
			if (!touches)
				continue;
			want->start = MIN(want->start, fl->start);
			want->end = MAX(want->end, fl->end);
			list_move_tail(&fl->link, &dead);
		} else if (overlaps(fl, want)) {
			if (fl->start < want->start && fl->end > want->end) {
				struct file_lock *right = spare[1];

				spare[1] = NULL;
				*right = *fl;
				right->start = want->end + 1;
				list_add_tail(&right->link, &l->records);
				fl->end = want->start - 1;
			} else if (fl->start < want->start) {
				fl->end = want->start - 1;
			} else if (fl->end > want->end) {
				fl->start = want->end + 1;
			} else {
				list_move_tail(&fl->link, &dead);
			}
		}
	}
	if (want->type != F_UNLCK) {
		*spare[0] = *want;
		list_add_tail(&spare[0]->link, &l->records);
		spare[0] = NULL;
	}
	list_free(&dead);
}

static struct lock_wait **wait_bucket(const void *owner)
{
	return &waits[((uintptr_t)owner >> 5) * 0x9e3779b97f4a7c15ull >> 56];
}

static void wait_remove(struct lock_wait *w) REQUIRES(&waits_lock)
{
	struct lock_wait **at = wait_bucket(w->owner);

	if (list_empty(&w->here))
		return;
	list_del_init(&w->here);
	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
}

/* [l->lock] A record has changed: who waits here will look again, and waits for nobody until then. */
static void waits_forget(struct file_locks *l)
{
	spin_lock(&waits_lock);
	while (!list_empty(&l->waiting))
		wait_remove(list_first(&l->waiting, struct lock_wait, here));
	spin_unlock(&waits_lock);
}

/* [waits_lock] Does `owner` already wait, through others, for `me`? */
static bool would_deadlock(const void *me, const void *owner)
{
	for (unsigned steps = 0; steps < 1000; steps++) {
		struct lock_wait *w;
		const void *next;

		if (owner == me)
			return true;
		for (w = *wait_bucket(owner); w && w->owner != owner;)
			w = w->next;
		next = w ? w->blocker : NULL;
		if (!next)
			return false;
		owner = next;
	}
	return false;
}

static int record_set(struct inode *i, struct file_lock *want, bool wait, bool detect)
{
	struct file_locks *l = locks_get(i);
	struct file_lock *spare[2] = { NULL, NULL };
	int err;

	if (!l)
		return -ENOLCK;
	spare[0] = kmalloc(sizeof(*spare[0]), 0);
	spare[1] = kmalloc(sizeof(*spare[1]), 0);
	if (!spare[0] || !spare[1]) {
		err = -ENOLCK;
		goto out;
	}
	for (;;) {
		struct file_lock *c;
		struct lock_wait lw;
		struct waiter w;

		waiter_init(&w);
		if (wait)
			waitq_prepare(&l->wait, &w, TASK_INTERRUPTIBLE);
		spin_lock(&l->lock);
		c = want->type == F_UNLCK ? NULL : conflict(&l->records, want);
		err = c ? -EAGAIN : 0;
		if (!c) {
			record_apply(l, want, spare);
			waits_forget(l);
		} else if (wait && detect) {
			spin_lock(&waits_lock);
			if (would_deadlock(want->owner, c->owner)) {
				err = -EDEADLK;
			} else {
				lw.owner = want->owner;
				lw.blocker = c->owner;
				lw.next = *wait_bucket(lw.owner);
				*wait_bucket(lw.owner) = &lw;
				list_add(&lw.here, &l->waiting);
			}
			spin_unlock(&waits_lock);
		}
		spin_unlock(&l->lock);
		if (!c || !wait || err == -EDEADLK) {
			if (wait)
				waitq_finish(&l->wait, &w);
			break;
		}
		if (signal_interrupts(TASK_INTERRUPTIBLE))
			err = -ERESTARTSYS;
		else
			schedule();
		waitq_finish(&l->wait, &w);
		if (detect) {
			spin_lock(&waits_lock);
			wait_remove(&lw);
			spin_unlock(&waits_lock);
		}
		if (err == -ERESTARTSYS)
			break;
	}
	if (!err)
		waitq_wake_all(&l->wait);
out:
	kfree(spare[0]);
	kfree(spare[1]);
	return err;
}

/* From l_whence, l_start, l_len to a range. */
static int flock_range(struct file *f, const struct abi_flock *fl, struct file_lock *out)
{
	int64_t base, start, end;

	switch (fl->whence) {
	case SEEK_SET: base = 0; break;
	case SEEK_CUR: base = (int64_t)READ_ONCE(f->pos); break;
	case SEEK_END: base = (int64_t)READ_ONCE(f->inode->size); break;
	default: return -EINVAL;
	}
	if (__builtin_add_overflow(base, fl->start, &start))
		return -EOVERFLOW;
	if (start < 0)
		return -EINVAL;
	if (fl->len > 0) {
		if (__builtin_add_overflow(start, fl->len - 1, &end))
			return -EOVERFLOW;
	} else if (fl->len < 0) {
		if (start + fl->len < 0)
			return -EINVAL;
		end = start - 1;
		start += fl->len;
	} else {
		end = INT64_MAX;
	}
	out->start = (uint64_t)start;
	out->end = (uint64_t)end;
	return 0;
}

static int flock_import(struct file *f, uaddr_t arg, bool ofd, struct abi_flock *fl, struct file_lock *out)
{
	int err;

	if (copy_from_user(fl, arg, sizeof(*fl)))
		return -EFAULT;
	if (fl->type != F_RDLCK && fl->type != F_WRLCK && fl->type != F_UNLCK)
		return -EINVAL;
	err = flock_range(f, fl, out);
	out->type = fl->type;
	out->owner = ofd ? (const void *)f : current->files;
	out->pid = ofd ? -1 : process_pid(current->process);
	return err;
}

int lock_fcntl_get(struct file *f, uaddr_t arg, bool ofd)
{
	struct file_locks *l;
	struct file_lock want, *c = NULL;
	struct abi_flock fl;
	int err = flock_import(f, arg, ofd, &fl, &want);

	if (err)
		return err;
	if ((fl.type == F_UNLCK && !ofd) || (ofd && fl.pid))
		return -EINVAL;
	l = load_acquire(&f->inode->locks);
	fl.type = F_UNLCK;
	if (l) {
		spin_lock(&l->lock);
		c = conflict(&l->records, &want);
		if (c) {
			fl.type = (int16_t)c->type;
			fl.whence = SEEK_SET;
			fl.start = (int64_t)c->start;
			fl.len = c->end == INT64_MAX ? 0 : (int64_t)(c->end - c->start + 1);
			fl.pid = c->pid;
		}
		spin_unlock(&l->lock);
	}
	return copy_to_user(arg, &fl, sizeof(fl));
}

int lock_fcntl_set(struct file *f, int fd, uaddr_t arg, bool ofd, bool wait)
{
	struct file_lock want;
	struct abi_flock fl;
	int err = flock_import(f, arg, ofd, &fl, &want);

	if (err)
		return err;
	if ((fl.type == F_RDLCK && !(f->mode & FMODE_READ)) || (fl.type == F_WRLCK && !(f->mode & FMODE_WRITE)))
		return -EBADF;
	if (ofd && fl.pid)
		return -EINVAL;
	if (fl.type == F_UNLCK && !load_acquire(&f->inode->locks))
		return 0;
	err = record_set(f->inode, &want, wait, !ofd);
	/* Who closed the descriptor meanwhile dropped the locks before this one was there: nobody else will. */
	if (!err && !ofd && fl.type != F_UNLCK && !fd_refers_to(fd, f)) {
		locks_remove_posix(f, current->files);
		err = -EBADF;
	}
	return err;
}

static void remove_owner(struct file_locks *l, struct list_head *h, const void *owner)
{
	struct file_lock *fl, *tmp;
	struct list_head dead;

	list_init(&dead);
	spin_lock(&l->lock);
	list_for_each_safe(fl, tmp, h, link)
		if (fl->owner == owner)
			list_move_tail(&fl->link, &dead);
	if (h == &l->records && !list_empty(&dead))
		waits_forget(l);
	spin_unlock(&l->lock);
	if (list_empty(&dead))
		return;
	list_free(&dead);
	waitq_wake_all(&l->wait);
}

/* Closing any descriptor of a file drops all the process's record locks on it. */
void locks_remove_posix(struct file *f, struct files *owner)
{
	struct file_locks *l = f->inode ? load_acquire(&f->inode->locks) : NULL;

	if (l)
		remove_owner(l, &l->records, owner);
}

void locks_remove_file(struct file *f)
{
	struct file_locks *l = load_acquire(&f->inode->locks);

	if (!l)
		return;
	remove_owner(l, &l->records, f);
	remove_owner(l, &l->flocks, f);
}

long sys_flock(int fd, unsigned op)
{
	struct file *f;
	struct file_locks *l;
	struct file_lock *new = NULL, *fl;
	int err = 0, type;

	switch (op & ~(unsigned)LOCK_NB) {
	case LOCK_SH: type = F_RDLCK; break;
	case LOCK_EX: type = F_WRLCK; break;
	case LOCK_UN: type = F_UNLCK; break;
	default: return -EINVAL;
	}
	f = fd_get(fd);
	if (!f)
		return -EBADF;
	if (type != F_UNLCK && !(f->mode & (FMODE_READ | FMODE_WRITE))) {
		err = -EBADF;
		goto out;
	}
	l = locks_get(f->inode);
	if (!l) {
		err = -ENOLCK;
		goto out;
	}
	if (type == F_UNLCK) {
		remove_owner(l, &l->flocks, f);
		goto out;
	}
	new = kmalloc(sizeof(*new), 0);
	if (!new) {
		err = -ENOLCK;
		goto out;
	}
	*new = (struct file_lock){ .owner = f, .end = INT64_MAX, .type = type, .pid = process_pid(current->process) };
	/* A change of type gives the old lock up first: flock(2) says that it is not atomic. */
	spin_lock(&l->lock);
	list_for_each(fl, &l->flocks, link)
		if (fl->owner == f && fl->type == type)
			err = 1;
	spin_unlock(&l->lock);
	if (err) {
		err = 0;
		goto out;
	}
	remove_owner(l, &l->flocks, f);
	for (;;) {
		struct file_lock *c;
		struct waiter w;

		waiter_init(&w);
		waitq_prepare(&l->wait, &w, TASK_INTERRUPTIBLE);
		spin_lock(&l->lock);
		c = conflict(&l->flocks, new);
		if (!c) {
			list_add_tail(&new->link, &l->flocks);
			new = NULL;
		}
		spin_unlock(&l->lock);
		if (c && (op & LOCK_NB))
			err = -EAGAIN;
		else if (c && signal_interrupts(TASK_INTERRUPTIBLE))
			err = -ERESTARTSYS;
		else if (c)
			schedule();
		waitq_finish(&l->wait, &w);
		if (!c || err)
			break;
	}
out:
	kfree(new);
	file_put(f);
	return err;
}
