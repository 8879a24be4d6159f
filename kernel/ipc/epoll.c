/* SPDX-License-Identifier: MIT */
/*
 * epoll(7).
 *
 * An instance has a tree of items by (descriptor number, file) and a list of
 * those that may be ready.  An item has a waiter on every wait queue its file
 * names; the wake-up puts the item on the ready list and wakes epoll_wait().
 * epoll_wait() takes items off the list one by one, and only then asks the
 * file: an event after that puts the item back.  Level-triggered items that
 * were ready go back to the end of the list; so do all items not looked at.
 *
 * Locks: ep.lock (the tree, the items; sleeps), ready_lock (the list; taken in
 * wake-ups, under the source's wait queue), file.lock (the file's list of
 * items).  Watching an epoll instance goes through its poll_wait queue, whose
 * lock nests along the chain; chains have at most MAX_NESTS links and no loops,
 * which is checked when a link is added, under graph_lock.  So is how many ways
 * lead up from a source: an event goes them all, under its wait queue's lock.
 *
 * Lifetime: an item belongs to its instance and is on its file's list.  The
 * instance dies with its file; a watched file that is closed calls
 * epoll_forget() before its release operation, so files need not be pinned.
 * Items count for the user who made the instance (fs.epoll.max_user_watches).
 */
#include <kernel/page.h>
#include <kernel/rbtree.h>
#include "ipc_internal.h"

#define EPOLLEXCLUSIVE	(1u << 28)
#define EPOLLWAKEUP	(1u << 29)
#define EPOLLONESHOT	(1u << 30)
#define EPOLLET		(1u << 31)
#define PRIVATE_BITS	(EPOLLEXCLUSIVE | EPOLLWAKEUP | EPOLLONESHOT | EPOLLET)
#define EXCLUSIVE_OK	(POLLIN | POLLOUT | POLLERR | POLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE)
enum { EPOLL_CTL_ADD = 1, EPOLL_CTL_DEL = 2, EPOLL_CTL_MOD = 3, MAX_NESTS = 4 };
/* Ways up from a source by the number of links between sets, as on Linux; without any: as many as there are. */
static const unsigned ways_max[MAX_NESTS + 1] = { UINT32_MAX, 500, 100, 50, 10 };

#ifdef EFT_CPU_x86_64
struct PACKED abi_epoll_event { uint32_t events; uint64_t data; };
#else
struct abi_epoll_event { uint32_t events; uint64_t data; };
#endif

struct epoll {
	struct refcount refs;		/* its file, and who follows a file's list */
	struct mutex lock;		/* [EPOLL] */
	struct rb_root items;		/* [lock] */
	struct file *file;		/* [I] its own, not a reference */
	struct user_account *user;	/* [I] a reference: who is charged for the items */
	uint64_t visit;			/* [graph_lock] the walk that has been here */
	int depth;			/* [graph_lock] what it found: links below or above */
	bool closed;			/* [lock] */
	struct spinlock ready_lock;	/* [EPOLL_READY], interrupts off */
	struct list_head ready;		/* [ready_lock] item.ready_link */
	unsigned ready_count;		/* [ready_lock] */
	struct waitq wait;		/* [EPOLL_WAIT] epoll_wait() */
	struct waitq poll_wait;		/* [EPOLL_POLL] who polls or watches this instance */
};

struct item_wait { struct waiter w; struct waitq *q; struct item *item; struct item_wait *next; };
struct item {
	struct rb_node node;		/* [ep.lock] */
	struct epoll *ep;		/* [I] */
	struct file *file;		/* [I] */
	int fd;				/* [I] */
	uint32_t events;		/* [a] written under ep.lock */
	uint64_t data;			/* [ep.lock] */
	struct list_head ready_link;	/* [ready_lock] empty: not ready */
	struct list_head file_link;	/* [file.lock] */
	struct item_wait *waits;	/* [ep.lock] */
	bool no_memory;			/* a waiter could not be made */
};
static const struct file_ops epoll_ops;
static struct mutex graph_lock;			/* [EPOLL_GRAPH] */
static uint64_t visit;				/* [graph_lock] the walk of now */
static uint64_t items_max;			/* [I] of a user */

/* ---- the ready list ---- */

/* Wakes the queue of those who poll an instance: along a chain of instances its lock nests. */
static NO_TSA void wake_pollers(struct waitq *q, uint64_t key)
{
	unsigned long flags;
	struct waiter *w, *next;

	if (!waitq_active(q))
		return;
	flags = hal_irq_save();
	spin_lock_nested(&q->lock);
	list_for_each_safe(w, next, &q->waiters, link)
		w->wake(w, key);
	spin_unlock(&q->lock);
	hal_irq_restore(flags);
}

/* Returns whether it was added. */
static bool make_ready(struct item *it)
{
	struct epoll *ep = it->ep;
	unsigned long flags = spin_lock_irqsave(&ep->ready_lock);
	bool fresh = list_empty(&it->ready_link);

	if (fresh) {
		list_add_tail(&it->ready_link, &ep->ready);
		WRITE_ONCE(ep->ready_count, ep->ready_count + 1);
	}
	spin_unlock_irqrestore(&ep->ready_lock, flags);
	return fresh;
}

static int item_wake(struct waiter *w, uint64_t key)
{
	struct item *it = container_of(w, struct item_wait, w)->item;
	struct epoll *ep = it->ep;
	uint32_t events = READ_ONCE(it->events);
	int woken = 0;

	if (!(events & ~PRIVATE_BITS))	/* a one-shot item that has fired */
		return 0;
	if (key && !(key & events))
		return 0;
	make_ready(it);
	if (waitq_active(&ep->wait)) {
		waitq_wake_key(&ep->wait, 1, 0);
		woken = 1;
	}
	wake_pollers(&ep->poll_wait, POLLIN | POLLRDNORM);
	return events & EPOLLEXCLUSIVE ? woken : 1;
}

/* ---- items ---- */

struct item_poll { struct poll_table pt; struct item *item; };

static void item_queue(struct poll_table *pt, struct waitq *q)
{
	struct item *it = container_of(pt, struct item_poll, pt)->item;
	struct item_wait *iw = kmalloc(sizeof(*iw), 0);

	if (!iw) {
		it->no_memory = true;
		return;
	}
	waiter_init_fn(&iw->w, item_wake);
	iw->w.exclusive = (it->events & EPOLLEXCLUSIVE) != 0;
	iw->q = q;
	iw->item = it;
	iw->next = it->waits;
	it->waits = iw;
	waitq_add(q, &iw->w);
}

static unsigned item_poll(struct item *it, struct poll_table *pt)
{
	return file_poll(it->file, pt) & it->events & ~PRIVATE_BITS;
}

static int item_cmp(const struct file *f, int fd, const struct item *it)
{
	if (f != it->file)
		return f < it->file ? -1 : 1;
	return fd < it->fd ? -1 : fd > it->fd;
}

static struct item *item_find(struct epoll *ep, struct file *f, int fd)
{
	struct rb_node *n = ep->items.node;

	while (n) {
		struct item *it = rb_entry(n, struct item, node);
		int c = item_cmp(f, fd, it);

		if (c == 0)
			return it;
		n = c < 0 ? n->left : n->right;
	}
	return NULL;
}

static bool item_less(const struct rb_node *a, const struct rb_node *b)
{
	const struct item *x = rb_entry(a, struct item, node);

	return item_cmp(x->file, x->fd, rb_entry(b, struct item, node)) < 0;
}

/* [ep.lock] */
static void item_remove(struct item *it)
{
	struct epoll *ep = it->ep;
	struct item_wait *iw;
	unsigned long flags;

	while ((iw = it->waits) != NULL) {	/* after this no wake-up can be running in it */
		it->waits = iw->next;
		waitq_remove(iw->q, &iw->w);
		kfree(iw);
	}
	spin_lock(&it->file->lock);
	list_del(&it->file_link);
	spin_unlock(&it->file->lock);
	rb_erase(&ep->items, &it->node);
	flags = spin_lock_irqsave(&ep->ready_lock);
	if (!list_empty(&it->ready_link)) {
		list_del_init(&it->ready_link);
		WRITE_ONCE(ep->ready_count, ep->ready_count - 1);
	}
	spin_unlock_irqrestore(&ep->ready_lock, flags);
	user_uncharge(&ep->user->epoll_items, 1);
	kfree(it);
}

static int item_add(struct epoll *ep, struct file *f, int fd, const struct abi_epoll_event *ev)
{
	struct item_poll ip = { .pt.queue = item_queue };
	struct item *it;

	if (!user_charge(&ep->user->epoll_items, 1, items_max))
		return -ENOSPC;
	it = kzalloc(sizeof(*it), 0);
	if (!it) {
		user_uncharge(&ep->user->epoll_items, 1);
		return -ENOMEM;
	}
	it->ep = ep;
	it->file = f;
	it->fd = fd;
	it->events = ev->events;
	it->data = ev->data;
	list_init(&it->ready_link);
	spin_lock(&f->lock);
	list_add_tail(&it->file_link, &f->epoll_links);
	spin_unlock(&f->lock);
	rb_insert(&ep->items, &it->node, item_less);
	ip.item = it;
	if (item_poll(it, &ip.pt) && make_ready(it)) {
		waitq_wake_key(&ep->wait, 1, 0);
		wake_pollers(&ep->poll_wait, POLLIN | POLLRDNORM);
	}
	if (it->no_memory) {
		item_remove(it);
		return -ENOMEM;
	}
	return 0;
}

static void item_modify(struct item *it, const struct abi_epoll_event *ev)
{
	struct epoll *ep = it->ep;

	WRITE_ONCE(it->events, ev->events);
	it->data = ev->data;
	/* A wake-up that saw the old events came before the poll below, or sees the new ones. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (item_poll(it, NULL) && make_ready(it)) {
		waitq_wake_key(&ep->wait, 1, 0);
		wake_pollers(&ep->poll_wait, POLLIN | POLLRDNORM);
	}
}

static void epoll_put(struct epoll *ep)
{
	if (!ref_put(&ep->refs))
		return;
	user_account_put(ep->user);
	kfree(ep);
}

void epoll_forget(struct file *f)
{
	for (;;) {
		struct epoll *ep = NULL;
		struct item *it;
		bool found = false;

		spin_lock(&f->lock);
		if (!list_empty(&f->epoll_links)) {
			ep = list_first(&f->epoll_links, struct item, file_link)->ep;
			ref_get(&ep->refs);	/* it lives: closing it would have to take the item off this list */
		}
		spin_unlock(&f->lock);
		if (!ep)
			return;
		mutex_lock(&ep->lock);
		do {
			found = false;
			spin_lock(&f->lock);
			list_for_each(it, &f->epoll_links, file_link)
				if (it->ep == ep) {
					found = true;
					break;
				}
			spin_unlock(&f->lock);
			if (found)
				item_remove(it);
		} while (found);
		mutex_unlock(&ep->lock);
		epoll_put(ep);
	}
}

/* ---- nesting ---- */

/* Links below ep, -ELOOP if `target` is among them.  [graph_lock] */
static NO_TSA int depth_below(struct epoll *ep, const struct epoll *target, int level)
{
	int depth = 0, d;
	struct rb_node *n;

	if (ep == target || level > MAX_NESTS)
		return -ELOOP;
	if (ep->visit == visit)
		return ep->depth;
	mutex_lock_nested(&ep->lock);
	for (n = rb_first(&ep->items); n && depth >= 0; n = rb_next(n)) {
		struct item *it = rb_entry(n, struct item, node);

		if (it->file->ops != &epoll_ops)
			continue;
		d = depth_below(it->file->private, target, level + 1);
		depth = d < 0 ? d : MAX(depth, d + 1);
	}
	mutex_unlock(&ep->lock);
	ep->visit = visit;
	ep->depth = depth;
	return depth;
}

/*
 * Links above ep.  [graph_lock]  A watcher and its file live while its item is
 * on the list: the list's lock is held on the way up.
 */
static NO_TSA int depth_above(struct epoll *ep)
{
	struct item *it;
	int depth = 0;

	if (ep->visit == visit)
		return ep->depth;
	spin_lock_nested(&ep->file->lock);
	list_for_each(it, &ep->file->epoll_links, file_link)
		if (!READ_ONCE(it->ep->closed))
			depth = MAX(depth, depth_above(it->ep) + 1);
	spin_unlock(&ep->file->lock);
	ep->visit = visit;
	ep->depth = depth;
	return depth;
}

static int check_nesting(struct epoll *ep, struct file *f)
{
	int below;

	visit++;
	below = depth_below(f->private, ep, 1);
	if (below < 0)
		return below;
	visit++;
	return below + 1 + depth_above(ep) > MAX_NESTS ? -ELOOP : 0;
}

/* Adds the ways from f up to sets that nobody watches to ways[], by their links between sets.  -EINVAL: too many.  [graph_lock] */
static NO_TSA int count_ways(struct file *f, unsigned sets, unsigned ways[MAX_NESTS + 1])
{
	struct item *it;
	int err = 0;

	if (sets > MAX_NESTS + 1)
		return -EINVAL;
	spin_lock_nested(&f->lock);
	if (sets && list_empty(&f->epoll_links) && ++ways[sets - 1] > ways_max[sets - 1])
		err = -EINVAL;
	list_for_each(it, &f->epoll_links, file_link) {
		err = count_ways(it->ep->file, sets + 1, ways);
		if (err)
			break;
	}
	spin_unlock(&f->lock);
	return err;
}

/* Are there too many ways up from any source below f, or from f itself?  [graph_lock] */
static NO_TSA int check_ways(struct file *f)
{
	unsigned ways[MAX_NESTS + 1] = { 0 };
	struct epoll *ep = f->private;
	struct rb_node *n;
	int err = 0;

	if (f->ops != &epoll_ops)
		return count_ways(f, 0, ways);
	if (ep->visit == visit)
		return 0;
	ep->visit = visit;
	mutex_lock_nested(&ep->lock);
	for (n = rb_first(&ep->items); n && !err; n = rb_next(n))
		err = check_ways(rb_entry(n, struct item, node)->file);
	mutex_unlock(&ep->lock);
	return err;
}

/* ---- files ---- */

static unsigned epoll_poll(struct file *f, struct poll_table *pt)
{
	struct epoll *ep = f->private;
	unsigned long flags;
	unsigned left, ev = 0;

	poll_wait(pt, &ep->poll_wait);
	if (!READ_ONCE(ep->ready_count))
		return 0;
	/* Some on the list may not be ready any more: ask, drop those, stop at the first that is. */
	mutex_lock_nested(&ep->lock);
	for (left = READ_ONCE(ep->ready_count); left && !ev; left--) {
		struct item *it = NULL;

		flags = spin_lock_irqsave(&ep->ready_lock);
		if (!list_empty(&ep->ready)) {
			it = list_first(&ep->ready, struct item, ready_link);
			list_del_init(&it->ready_link);
			WRITE_ONCE(ep->ready_count, ep->ready_count - 1);
		}
		spin_unlock_irqrestore(&ep->ready_lock, flags);
		if (!it)
			break;
		if ((it->events & ~PRIVATE_BITS) && item_poll(it, NULL)) {
			flags = spin_lock_irqsave(&ep->ready_lock);
			if (list_empty(&it->ready_link)) {
				list_add(&it->ready_link, &ep->ready);
				WRITE_ONCE(ep->ready_count, ep->ready_count + 1);
			}
			spin_unlock_irqrestore(&ep->ready_lock, flags);
			ev = POLLIN | POLLRDNORM;
		}
	}
	mutex_unlock(&ep->lock);
	return ev;
}

static void epoll_release(struct file *f)
{
	struct epoll *ep = f->private;
	struct rb_node *n;

	mutex_lock(&ep->lock);
	WRITE_ONCE(ep->closed, true);
	while ((n = rb_first(&ep->items)) != NULL)
		item_remove(rb_entry(n, struct item, node));
	mutex_unlock(&ep->lock);
	epoll_put(ep);
}

static void epoll_show(struct file *f, char *buf, size_t max)
{
	struct epoll *ep = f->private;
	size_t used = 0;

	mutex_lock(&ep->lock);
	for (struct rb_node *n = rb_first(&ep->items); n && used < max; n = rb_next(n)) {
		struct item *it = rb_entry(n, struct item, node);

		used += (size_t)ksnprintf(buf + used, max - used, "tfd: %8d events: %8x data: %16llx\n", it->fd, it->events,
			(unsigned long long)it->data);
	}
	mutex_unlock(&ep->lock);
}

/* There are commands of its own, so an unknown one is not a terminal's. */
static long epoll_ioctl(struct file *f, unsigned cmd, uint64_t arg) { return -EINVAL; }

static const struct file_ops epoll_ops = { .ioctl = epoll_ioctl, .llseek = llseek_nothing, .release = epoll_release, .poll = epoll_poll, .show_fdinfo = epoll_show };

long sys_epoll_create1(unsigned flags)
{
	struct epoll *ep;
	struct file *f;
	int fd;

	if (flags & ~(unsigned)O_CLOEXEC)
		return -EINVAL;
	ep = kzalloc(sizeof(*ep), 0);
	if (!ep)
		return -ENOMEM;
	ep->user = user_account_current();
	ref_init(&ep->refs);
	mutex_init(&ep->lock, LOCK_EPOLL);
	spin_init(&ep->ready_lock, LOCK_EPOLL_READY);
	list_init(&ep->ready);
	waitq_init(&ep->wait);
	spin_init(&ep->wait.lock, LOCK_EPOLL_WAIT);
	waitq_init(&ep->poll_wait);
	spin_init(&ep->poll_wait.lock, LOCK_EPOLL_POLL);
	fd = file_create_anon("[eventpoll]", 0600, &epoll_ops, ep, O_RDWR, &f);
	if (fd) {
		epoll_put(ep);
		return fd;
	}
	ep->file = f;
	f->mode |= FMODE_LSEEK;
	fd = fd_add(f, flags & O_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}

long sys_epoll_create(int size) { return size <= 0 ? -EINVAL : sys_epoll_create1(0); }

static int ctl_locked(struct epoll *ep, int op, struct file *f, int fd, struct abi_epoll_event *ev)
{
	struct item *it = item_find(ep, f, fd);

	switch (op) {
	case EPOLL_CTL_ADD:
		return it ? -EEXIST : item_add(ep, f, fd, ev);
	case EPOLL_CTL_DEL:
		if (!it)
			return -ENOENT;
		item_remove(it);
		return 0;
	default:
		if (!it)
			return -ENOENT;
		if (it->events & EPOLLEXCLUSIVE)
			return -EINVAL;
		item_modify(it, ev);
		return 0;
	}
}

/* Adds what may make the graph deeper or its ways more: f is a set, or ep is watched. */
static int add_checked(struct epoll *ep, struct file *f, int fd, struct abi_epoll_event *ev)
{
	int ret;

	mutex_lock(&graph_lock);
	ret = f->ops == &epoll_ops ? check_nesting(ep, f) : 0;
	if (ret)
		goto out;
	mutex_lock(&ep->lock);
	ret = ctl_locked(ep, EPOLL_CTL_ADD, f, fd, ev);
	mutex_unlock(&ep->lock);
	if (ret)
		goto out;
	visit++;
	ret = check_ways(f);
	if (ret) {
		struct item *it;

		mutex_lock(&ep->lock);
		it = item_find(ep, f, fd);	/* another thread may have taken it away */
		if (it)
			item_remove(it);
		mutex_unlock(&ep->lock);
	}
out:
	mutex_unlock(&graph_lock);
	return ret;
}

static bool is_watched(struct epoll *ep)
{
	bool yes;

	spin_lock(&ep->file->lock);
	yes = !list_empty(&ep->file->epoll_links);
	spin_unlock(&ep->file->lock);
	return yes;
}

long sys_epoll_ctl(int epfd, int op, int fd, uaddr_t event)
{
	struct abi_epoll_event ev = { 0, 0 };
	struct file *epf, *f = NULL;
	struct epoll *ep;
	int ret;

	if (op != EPOLL_CTL_DEL && copy_from_user(&ev, event, sizeof(ev)))
		return -EFAULT;
	epf = fd_get(epfd);
	if (!epf)
		return -EBADF;
	ret = -EBADF;
	f = fd_get(fd);
	if (!f)
		goto out;
	ret = -EPERM;
	if (!f->ops->poll)
		goto out;
	ret = -EINVAL;
	if (f == epf || epf->ops != &epoll_ops || op < EPOLL_CTL_ADD || op > EPOLL_CTL_MOD)
		goto out;
	ev.events &= ~EPOLLWAKEUP;
	ev.events |= POLLERR | POLLHUP;		/* always asked for; only a one-shot item that has fired asks for nothing */
	if (ev.events & EPOLLEXCLUSIVE) {
		if (op == EPOLL_CTL_MOD)
			goto out;
		if (op == EPOLL_CTL_ADD && (f->ops == &epoll_ops || (ev.events & ~EXCLUSIVE_OK)))
			goto out;
	}
	ep = epf->private;
	mutex_lock(&ep->lock);
	/* Who watches ep from here on looks at what is in it, under its lock. */
	if (op == EPOLL_CTL_ADD && (f->ops == &epoll_ops || is_watched(ep))) {
		mutex_unlock(&ep->lock);
		ret = add_checked(ep, f, fd, &ev);
	} else {
		ret = ctl_locked(ep, op, f, fd, &ev);
		mutex_unlock(&ep->lock);
	}
out:
	if (f)
		file_put(f);
	file_put(epf);
	return ret;
}

/* ---- waiting ---- */

/* What is ready now, at most max: the number copied, or -EFAULT if not one could be. */
static int collect(struct epoll *ep, uaddr_t out, int max)
{
	struct list_head again = LIST_INIT(again);
	unsigned long flags;
	int n = 0;
	unsigned left;
	bool more;

	mutex_lock(&ep->lock);
	for (left = READ_ONCE(ep->ready_count); left && n < max; left--) {
		struct abi_epoll_event ev;
		struct item *it = NULL;

		flags = spin_lock_irqsave(&ep->ready_lock);
		if (!list_empty(&ep->ready)) {
			it = list_first(&ep->ready, struct item, ready_link);
			list_del_init(&it->ready_link);
			WRITE_ONCE(ep->ready_count, ep->ready_count - 1);
		}
		spin_unlock_irqrestore(&ep->ready_lock, flags);
		if (!it)
			break;
		if (!(it->events & ~PRIVATE_BITS))
			continue;
		ev.events = item_poll(it, NULL);
		if (!ev.events)
			continue;
		ev.data = it->data;
		if (copy_to_user(out + (uint64_t)n * sizeof(ev), &ev, sizeof(ev))) {
			make_ready(it);
			if (n == 0)
				n = -EFAULT;
			break;
		}
		n++;
		if (it->events & EPOLLONESHOT)
			WRITE_ONCE(it->events, it->events & PRIVATE_BITS);
		else if (!(it->events & EPOLLET))
			make_ready(it);		/* behind the others: `left` ends the loop */
	}
	more = READ_ONCE(ep->ready_count) != 0;
	mutex_unlock(&ep->lock);
	if (more && waitq_active(&ep->wait))
		waitq_wake_key(&ep->wait, 1, 0);
	return n;
}

/* 0: something may be ready; -EINTR, -ETIMEDOUT. */
static int wait_ready(struct epoll *ep, uint64_t deadline)
{
	struct waiter w;
	int ret = 0;

	waiter_init(&w);
	w.exclusive = true;
	for (;;) {
		waitq_prepare(&ep->wait, &w, TASK_INTERRUPTIBLE);
		if (READ_ONCE(ep->ready_count))
			break;
		if (signal_pending(current)) {
			ret = -EINTR;
			break;
		}
		if (schedule_until(deadline) == 0) {
			ret = READ_ONCE(ep->ready_count) ? 0 : -ETIMEDOUT;
			break;
		}
	}
	waitq_finish(&ep->wait, &w);
	/* A wake-up meant for one may have been given to this thread, which leaves. */
	if (ret && READ_ONCE(ep->ready_count))
		waitq_wake_key(&ep->wait, 1, 0);
	return ret;
}

static int do_epoll_wait(int epfd, uaddr_t events, int max, uint64_t deadline)
{
	struct file *f;
	int ret;

	f = fd_get(epfd);
	if (!f)
		return -EBADF;
	ret = -EINVAL;
	if (max <= 0 || max > INT32_MAX / (int)sizeof(struct abi_epoll_event))
		goto out;
	ret = -EFAULT;
	if (!user_range_ok(events, (size_t)max * sizeof(struct abi_epoll_event)))
		goto out;
	ret = -EINVAL;
	if (f->ops != &epoll_ops)
		goto out;
	for (;;) {
		ret = READ_ONCE(((struct epoll *)f->private)->ready_count) ? collect(f->private, events, max) : 0;
		if (ret || deadline == 0)
			break;
		ret = wait_ready(f->private, deadline);
		if (ret) {
			ret = ret == -ETIMEDOUT ? 0 : ret;
			break;
		}
	}
out:
	file_put(f);
	return ret;
}

static uint64_t deadline_from_ms(int ms)
{
	return ms < 0 ? UINT64_MAX : ms == 0 ? 0 : deadline_after_ns((uint64_t)ms * NSEC_PER_MSEC);
}

long sys_epoll_wait(int epfd, uaddr_t events, int max, int timeout)
{
	return do_epoll_wait(epfd, events, max, deadline_from_ms(timeout));
}

static long epoll_wait_masked(int epfd, uaddr_t events, int max, uint64_t deadline, uaddr_t sigmask, size_t size)
{
	bool masked;
	int ret = sigmask_enter(sigmask, size, &masked);

	if (ret)
		return ret;
	ret = do_epoll_wait(epfd, events, max, deadline);
	if (masked && ret != -EINTR)
		signal_restore_mask();
	return ret;
}

long sys_epoll_pwait(int epfd, uaddr_t events, int max, int timeout, uaddr_t sigmask, size_t size)
{
	return epoll_wait_masked(epfd, events, max, deadline_from_ms(timeout), sigmask, size);
}

long sys_epoll_pwait2(int epfd, uaddr_t events, int max, uaddr_t timeout, uaddr_t sigmask, size_t size)
{
	uint64_t deadline;
	int err = deadline_from_user(timeout, &deadline);

	return err ? err : epoll_wait_masked(epfd, events, max, deadline, sigmask, size);
}

uint64_t epoll_items_max(void) { return items_max; }

void epoll_init(void)
{
	struct mem_info mem;

	mutex_init(&graph_lock, LOCK_EPOLL_GRAPH);
	mem_info_get(&mem);	/* a 25th of memory, as on Linux */
	items_max = mem.total_pages / 25 * PAGE_SIZE / (sizeof(struct item) + sizeof(struct item_wait));
}
