/* SPDX-License-Identifier: MIT */
/*
 * inotify(7).
 *
 * A watch joins an inotify instance and an inode.  It is on the inode's list
 * of marks and in the tree of the instance, by its descriptor; one lock guards that
 * (watches come and go rarely), each instance's queue has one of its own.
 * When there is no watch in the system the hooks cost one load.
 *
 * A watch holds a reference on its inode, given back when the watch is removed
 * or the last link or the file system goes (IN_IGNORED).
 */
#include <kernel/errno.h>
#include <kernel/sigio.h>
#include <kernel/timer.h>
#include <kernel/poll.h>
#include <kernel/print.h>
#include <kernel/radix.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/uaccess.h>
#include <kernel/uio.h>
#include "syscall/syscall_impl.h"
#include "vfs_internal.h"

/* procfs shows them in sys/fs/inotify: events of an instance; instances and watches of a user. */
enum { INOTIFY_MAX_EVENTS = 16384, INOTIFY_MAX_INSTANCES = 128, INOTIFY_MAX_WATCHES = 65536, IN_ALL_EVENTS = 0xfff };
/* Linux's ALL_INOTIFY_BITS: events, IN_UNMOUNT .. IN_IGNORED, and the flags of a watch. */
#define IN_ALL_BITS (0xf700efffu)
struct abi_inotify_event { int32_t wd; uint32_t mask, cookie, len; };

struct event { struct list_head link; struct abi_inotify_event e; char name[]; };
struct inotify {
	struct spinlock lock;		/* [EVENTFD] the queue */
	struct list_head queue;		/* [lock] */
	unsigned queued;		/* [lock] */
	bool overflow;			/* [lock] */
	struct waitq wait;
	struct radix_tree watches;	/* [marks_lock] by wd */
	struct user_account *user;	/* [I] a reference: who is charged for it and its watches */
	int next_wd;			/* [marks_lock] */
	struct refcount refs;		/* its file; work that is queued */
	struct sigio_list sigio;
	struct work tell;		/* SIGIO, which cannot be sent where events are queued */
};
struct watch {
	struct list_head inode_link;	/* [marks_lock] */
	struct inotify *group;
	struct inode *inode;
	uint32_t mask;			/* [marks_lock] */
	int wd;				/* [I] */
};
struct inotify_marks { struct list_head watches; };

static struct spinlock marks_lock = SPINLOCK_INIT(FLOCK);
unsigned inotify_watches;
static uint32_t next_cookie;

uint32_t notify_cookie(void) { return __atomic_add_fetch(&next_cookie, 1, __ATOMIC_RELAXED); }

/* Under marks_lock: allocation is atomic. */
static void queue_event(struct inotify *g, int wd, uint32_t mask, uint32_t cookie, const char *name, unsigned len)
{
	unsigned padded = len ? ALIGN_UP(len + 1, 16u) : 0;
	struct event *ev = kzalloc(sizeof(*ev) + padded, ALLOC_ATOMIC), *last;
	bool full;

	if (ev) {
		ev->e = (struct abi_inotify_event){ .wd = wd, .mask = mask, .cookie = cookie, .len = padded };
		if (len)
			memcpy(ev->name, name, len);
	}
	spin_lock(&g->lock);
	full = !ev || g->queued >= INOTIFY_MAX_EVENTS;
	if (full) {
		kfree(ev);
		ev = NULL;
		if (!g->overflow && (ev = kzalloc(sizeof(*ev), ALLOC_ATOMIC))) {
			g->overflow = true;
			ev->e = (struct abi_inotify_event){ .wd = -1, .mask = IN_Q_OVERFLOW };
		}
	} else if (!list_empty(&g->queue)) {
		/* The same as the last one: says nothing new. */
		last = list_last(&g->queue, struct event, link);
		if (!memcmp(&last->e, &ev->e, sizeof(ev->e)) && !memcmp(last->name, ev->name, padded) && !(mask & IN_IGNORED)) {
			kfree(ev);
			ev = NULL;
		}
	}
	if (ev) {
		list_add_tail(&ev->link, &g->queue);
		g->queued++;
	}
	spin_unlock(&g->lock);
	if (!ev)
		return;
	waitq_wake_key(&g->wait, 1, POLLIN | POLLRDNORM);
	if (!list_empty(&g->sigio.entries)) {
		ref_get(&g->refs);
		if (!work_queue(&g->tell))
			ref_put(&g->refs);	/* the file has one */
	}
}

/* [marks_lock] From its inode and its instance. */
static void watch_detach(struct watch *w)
{
	list_del(&w->inode_link);
	radix_erase(&w->group->watches, (uint64_t)w->wd);
	__atomic_sub_fetch(&inotify_watches, 1, __ATOMIC_RELAXED);
	user_uncharge(&w->group->user->inotify_watches, 1);
}

static void notify_marks(struct inode *i, uint32_t mask, uint32_t cookie, const char *name, unsigned len, bool isdir)
{
	struct inotify_marks *m = load_acquire(&i->marks);	/* it may be new, and its list empty */
	struct watch *w, *tmp;
	struct list_head dead;

	if (!m)
		return;
	list_init(&dead);
	spin_lock(&marks_lock);
	list_for_each_safe(w, tmp, &m->watches, inode_link) {
		bool gone = mask & (IN_DELETE_SELF | IN_UNMOUNT), oneshot = w->mask & IN_ONESHOT;

		if (mask & w->mask & IN_EXCL_UNLINK)	/* news of a file that has no name any more */
			continue;
		if (mask & IN_UNMOUNT)
			queue_event(w->group, w->wd, IN_UNMOUNT, 0, NULL, 0);
		else if (w->mask & mask & IN_ALL_EVENTS)
			queue_event(w->group, w->wd, (mask & IN_ALL_EVENTS) | (isdir ? IN_ISDIR : 0), cookie, name, len);
		else
			oneshot = false;
		if (gone || oneshot) {
			queue_event(w->group, w->wd, IN_IGNORED, 0, NULL, 0);
			watch_detach(w);
			list_add(&w->inode_link, &dead);
		}
	}
	spin_unlock(&marks_lock);
	while (!list_empty(&dead)) {
		w = list_first(&dead, struct watch, inode_link);
		list_del(&w->inode_link);
		inode_put(w->inode);
		kfree(w);
	}
}

void notify_self_(struct inode *i, uint32_t mask)
{
	notify_marks(i, mask, 0, NULL, 0, S_ISDIR(inode_mode(i)) && !(mask & (IN_DELETE_SELF | IN_MOVE_SELF)));
}

void notify_name_(struct inode *dir, const char *name, unsigned len, uint32_t mask, uint32_t cookie, bool isdir)
{
	notify_marks(dir, mask, cookie, name, len, isdir);
}

void notify_entry_(struct dentry *d, uint32_t mask)
{
	struct dentry *parent;
	struct inode *i = d->inode;
	bool isdir = i && S_ISDIR(inode_mode(i));
	char name[NAME_MAX + 1];
	unsigned len;

	if (!i)
		return;
	if (!d_unlinked(d))
		mask &= ~(uint32_t)IN_EXCL_UNLINK;
	spin_lock(&d->lock);
	parent = d->parent != d ? dentry_get(d->parent) : NULL;
	len = MIN(d->name.len, (unsigned)NAME_MAX);
	/* What is read from and written to a special file is no news of the directory. */
	if (parent && READ_ONCE(parent->inode->marks) && (S_ISREG(inode_mode(i)) || isdir || S_ISLNK(inode_mode(i)) || mask & IN_ALL_EVENTS & ~(uint32_t)(IN_ACCESS | IN_MODIFY)))
		memcpy(name, d->name.name, len);
	else
		len = 0;
	spin_unlock(&d->lock);
	if (parent) {
		if (len)
			notify_marks(parent->inode, mask, 0, name, len, isdir);
		dentry_put(parent);
	}
	notify_marks(i, mask, 0, NULL, 0, isdir);
}

/* The file system is being unmounted: watches must not keep its inodes. */
void notify_unmount(struct super *s)
{
	struct inode *last = NULL, *found;

	if (!READ_ONCE(inotify_watches))
		return;
	do {
		struct list_head *l;

		found = NULL;
		spin_lock(&s->inodes_lock);
		for (l = last ? last->super_link.next : s->inodes.next; l != &s->inodes && !found; l = l->next) {
			struct inode *i = container_of(l, struct inode, super_link);
			struct inotify_marks *m = load_acquire(&i->marks);

			if (m && !list_empty(&m->watches) && ref_get_unless_zero(&i->refs))
				found = i;
		}
		spin_unlock(&s->inodes_lock);
		if (found)
			notify_marks(found, IN_UNMOUNT, 0, NULL, 0, false);
		if (last)
			inode_put(last);
		last = found;	/* keeps its place in the list */
	} while (found);
}

/* The inode is going: no watch is left, as each holds a reference. */
void inode_free_marks(struct inode *i)
{
	struct inotify_marks *m = i->marks;

	if (!m)
		return;
	/* An unmount may be looking at it. */
	spin_lock(&i->super->inodes_lock);
	WRITE_ONCE(i->marks, NULL);
	spin_unlock(&i->super->inodes_lock);
	kfree(m);
}

/* ---- the file ---- */

static int64_t inotify_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct inotify *g = f->private;
	int64_t done = 0;

	for (;;) {
		struct event *ev = NULL;
		size_t n = 0;
		int err;

		spin_lock(&g->lock);
		if (!list_empty(&g->queue)) {
			ev = list_first(&g->queue, struct event, link);
			n = sizeof(ev->e) + ev->e.len;
			if (n > u->left) {
				spin_unlock(&g->lock);
				return done ? done : -EINVAL;
			}
			list_del(&ev->link);
			g->queued--;
			if (ev->e.mask & IN_Q_OVERFLOW)
				g->overflow = false;
		}
		spin_unlock(&g->lock);
		if (ev) {
			size_t got = uio_copy_to(u, &ev->e, n);

			kfree(ev);
			if (got < n)
				return -EFAULT;	/* also when earlier ones are there */
			done += (int64_t)n;
			continue;
		}
		if (done)
			return done;
		if (READ_ONCE(f->flags) & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event_interruptible(&g->wait, !list_empty(&g->queue));
		if (err)
			return err;
	}
}

static unsigned inotify_poll(struct file *f, struct poll_table *pt)
{
	struct inotify *g = f->private;

	poll_wait(pt, &g->wait);
	return list_empty(&g->queue) ? 0 : POLLIN | POLLRDNORM;
}

static long inotify_ioctl(struct file *f, unsigned cmd, uint64_t arg)
{
	struct inotify *g = f->private;
	struct event *ev;
	int n = 0;

	if (cmd != 0x541b)	/* FIONREAD */
		return -ENOTTY;
	spin_lock(&g->lock);
	list_for_each(ev, &g->queue, link)
		n += (int)(sizeof(ev->e) + ev->e.len);
	spin_unlock(&g->lock);
	return put_user(n, arg);
}

static void group_put(struct inotify *g)
{
	if (!ref_put(&g->refs))
		return;
	user_uncharge(&g->user->inotify_instances, 1);
	user_account_put(g->user);
	kfree(g);
}

static void inotify_tell(struct work *w)
{
	struct inotify *g = container_of(w, struct inotify, tell);

	sigio_send(&g->sigio, POLLIN | POLLRDNORM);
	group_put(g);
}

static int inotify_fasync(struct file *f, bool on) { return sigio_set(&((struct inotify *)f->private)->sigio, f, on); }

static void inotify_release(struct file *f)
{
	struct inotify *g = f->private;

	for (;;) {
		uint64_t first = 0;
		struct watch *w;

		spin_lock(&marks_lock);
		w = radix_next(&g->watches, &first);
		if (w)
			watch_detach(w);
		spin_unlock(&marks_lock);
		if (!w)
			break;
		inode_put(w->inode);
		kfree(w);
	}
	radix_destroy(&g->watches);
	while (!list_empty(&g->queue)) {
		struct event *ev = list_first(&g->queue, struct event, link);

		list_del(&ev->link);
		kfree(ev);
	}
	group_put(g);
}

static void inotify_fdinfo(struct file *f, char *buf, size_t max)
{
	struct inotify *g = f->private;
	struct watch *w;
	size_t n = 0;

	spin_lock(&marks_lock);
	for (uint64_t wd = 0; n < max && (w = radix_next(&g->watches, &wd)) != NULL; wd++)
		n += (size_t)ksnprintf(buf + n, max - n, "inotify wd:%x ino:%llx sdev:%x mask:%x ignored_mask:0\n", (unsigned)w->wd,
				       (unsigned long long)w->inode->ino, w->inode->super->dev, w->mask);
	spin_unlock(&marks_lock);
}

static const struct file_ops inotify_ops = { .llseek = llseek_nothing, .read = inotify_read, .plain_read = true, .poll = inotify_poll, .ioctl = inotify_ioctl, .release = inotify_release,
	.fasync = inotify_fasync, .show_fdinfo = inotify_fdinfo };

long sys_inotify_init1(unsigned flags)
{
	struct inotify *g;
	struct file *f;
	int fd;

	if (flags & ~(unsigned)(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	if (!user_charge(&current->cred->user->inotify_instances, 1, INOTIFY_MAX_INSTANCES))
		return -EMFILE;
	g = kzalloc(sizeof(*g), 0);
	if (!g) {
		user_uncharge(&current->cred->user->inotify_instances, 1);
		return -ENOMEM;
	}
	spin_init(&g->lock, LOCK_EVENTFD);
	list_init(&g->queue);
	waitq_init(&g->wait);
	ref_init(&g->refs);
	sigio_init(&g->sigio);
	work_init(&g->tell, inotify_tell);
	g->user = user_account_current();
	g->next_wd = 1;
	fd = file_create_anon("inotify", 0600, &inotify_ops, g, O_RDONLY | (flags & O_NONBLOCK), &f);
	if (fd) {
		group_put(g);
		return fd;
	}
	fd = fd_add(f, flags);
	if (fd < 0)
		file_put(f);
	return fd;
}

#ifdef EFT_CPU_x86_64
long sys_inotify_init(void) { return sys_inotify_init1(0); }
#endif

static struct inotify_marks *marks_get(struct inode *i)
{
	struct inotify_marks *m = load_acquire(&i->marks), *none = NULL;

	if (m)
		return m;
	m = kzalloc(sizeof(*m), 0);
	if (!m)
		return NULL;
	list_init(&m->watches);
	if (__atomic_compare_exchange_n(&i->marks, &none, m, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return m;
	kfree(m);
	return none;
}

/* [marks_lock] Its descriptor: one that was not in use lately, 1 or more.  -ENOMEM. */
static long take_wd(struct inotify *g, struct watch *w)
{
	int err;

	do {
		w->wd = g->next_wd;
		g->next_wd = g->next_wd == INT32_MAX ? 1 : g->next_wd + 1;
		err = radix_insert(&g->watches, (uint64_t)w->wd, w);
	} while (err == -EEXIST);
	return err ? err : w->wd;
}

static long add_watch(struct inotify *g, struct inode *i, uint32_t mask)
{
	struct inotify_marks *m = marks_get(i);
	struct watch *w, *new = kzalloc(sizeof(*new), 0);
	long wd = 0;

	if (!m || !new) {
		kfree(new);
		return -ENOMEM;
	}
	spin_lock(&marks_lock);
	list_for_each(w, &m->watches, inode_link)
		if (w->group == g) {
			wd = w->wd;
			if (mask & IN_MASK_CREATE)
				wd = -EEXIST;
			else
				w->mask = mask & IN_MASK_ADD ? w->mask | mask : mask;
			break;
		}
	if (!wd && !user_charge(&g->user->inotify_watches, 1, INOTIFY_MAX_WATCHES))
		wd = -ENOSPC;
	if (!wd) {
		*new = (struct watch){ .group = g, .inode = i, .mask = mask };
		wd = take_wd(g, new);
		if (wd < 0) {
			user_uncharge(&g->user->inotify_watches, 1);
		} else {
			inode_get(i);
			list_add_tail(&new->inode_link, &m->watches);
			__atomic_add_fetch(&inotify_watches, 1, __ATOMIC_RELAXED);
			new = NULL;
		}
	}
	spin_unlock(&marks_lock);
	kfree(new);
	return wd;
}

long sys_inotify_add_watch(int fd, uaddr_t name, unsigned mask)
{
	unsigned look = (mask & IN_DONT_FOLLOW ? 0 : LOOKUP_FOLLOW) | (mask & IN_ONLYDIR ? LOOKUP_DIRECTORY : 0);
	struct file *f;
	struct path p;
	long ret;

	if ((mask & ~IN_ALL_BITS) || !(mask & IN_ALL_BITS))
		return -EINVAL;
	f = fd_get(fd);
	if (!f)
		return -EBADF;
	ret = -EINVAL;
	if ((mask & IN_MASK_ADD) && (mask & IN_MASK_CREATE))
		goto out;
	if (f->ops != &inotify_ops)
		goto out;
	ret = path_lookup_user(AT_FDCWD, name, look, &p);
	if (ret)
		goto out;
	ret = inode_permission(p.dentry->inode, MAY_READ);
	if (!ret)
		ret = add_watch(f->private, p.dentry->inode, mask);
	path_put(&p);
out:
	file_put(f);
	return ret;
}

long sys_inotify_rm_watch(int fd, int wd)
{
	struct file *f = fd_get(fd);
	struct inotify *g;
	struct watch *found;

	if (!f)
		return -EBADF;
	if (f->ops != &inotify_ops) {
		file_put(f);
		return -EINVAL;
	}
	g = f->private;
	spin_lock(&marks_lock);
	found = wd < 0 ? NULL : radix_find(&g->watches, (uint64_t)wd);
	if (found) {
		watch_detach(found);
		queue_event(g, wd, IN_IGNORED, 0, NULL, 0);
	}
	spin_unlock(&marks_lock);
	if (found) {
		inode_put(found->inode);
		kfree(found);
	}
	file_put(f);
	return found ? 0 : -EINVAL;
}
