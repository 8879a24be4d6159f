/* SPDX-License-Identifier: MIT */
/*
 * File-descriptor tables.
 *
 * Look-ups run under RCU: the table is replaced as a whole when it grows, a
 * file's memory outlives a grace period, and a reference is only taken on a
 * file that still has one.  Changes take files->lock; only fd_install() does
 * without, unless the table is being replaced.
 *
 * A reserved descriptor has its bit in `open` and no file: fd_install
 * publishes it.
 */
#include <kernel/errno.h>
#include <kernel/print.h>
#include <kernel/radix.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/uaccess.h>
#include "vfs_internal.h"

static void table_first(struct files *t)
{
	t->first.max = 64;
	t->first.fd = t->first_fd;
	t->first.open = t->first_open;
	t->first.cloexec = t->first_cloexec;
	t->table = &t->first;
}

struct files *files_create(void)
{
	struct files *t = kzalloc(sizeof(*t), 0);

	if (!t)
		return NULL;
	ref_init(&t->refs);
	spin_init(&t->lock, LOCK_FILES);
	table_first(t);
	return t;
}

static struct fdtable *table_alloc(unsigned n)
{
	struct fdtable *ft = kzalloc(sizeof(*ft), 0);
	char *p;

	if (!ft)
		return NULL;
	p = kzalloc(n * sizeof(struct file *) + 2 * (size_t)n / 8, 0);
	if (!p) {
		kfree(ft);
		return NULL;
	}
	ft->max = n;
	ft->fd = (struct file **)p;
	ft->open = (uint64_t *)(p + n * sizeof(struct file *));
	ft->cloexec = ft->open + n / 64;
	return ft;
}

static void table_free(struct fdtable *ft)
{
	kfree(ft->fd);
	kfree(ft);
}

static void table_free_rcu(struct rcu_head *h)
{
	table_free(container_of(h, struct fdtable, rcu));
}

static void table_copy(struct fdtable *to, const struct fdtable *from)
{
	memcpy(to->fd, from->fd, from->max * sizeof(struct file *));
	memcpy(to->open, from->open, from->max / 8);
	memcpy(to->cloexec, from->cloexec, from->max / 8);
}

/* [t->lock], dropped and taken again.  Room for descriptor `fd`. 0 or -ENOMEM. */
static int files_grow(struct files *t, unsigned fd) NO_TSA
{
	struct fdtable *old, *ft;
	unsigned n = 64;

	while (n <= fd)
		n *= 2;
	WRITE_ONCE(t->growing, t->growing + 1);
	spin_unlock(&t->lock);
	ft = table_alloc(n);
	if (ft && ref_read(&t->refs) > 1)
		rcu_synchronize();	/* whoever installs takes the lock now */
	spin_lock(&t->lock);
	old = t->table;
	if (ft && old->max > fd) {
		table_free(ft);
	} else if (ft) {
		table_copy(ft, old);
		rcu_assign(t->table, ft);
		if (old != &t->first)
			rcu_call(&old->rcu, table_free_rcu);
	}
	store_release(&t->growing, t->growing - 1);
	return ft ? 0 : -ENOMEM;
}

struct files *files_copy(struct files *old, unsigned max_fd)
{
	struct files *t = files_create();
	struct fdtable *from;
	unsigned n;

	if (!t)
		return NULL;
	spin_lock(&old->lock);
	for (;;) {
		from = old->table;
		n = MIN(max_fd, from->max);
		n = MIN(from->max, ALIGN_UP(n, 64u));
		/* Trim: an empty tail is not copied. */
		while (n > 64 && !from->open[n / 64 - 1])
			n -= 64;
		if (n <= t->table->max)
			break;
		spin_unlock(&old->lock);
		if (t->table != &t->first)
			table_free(t->table);
		t->table = table_alloc(ALIGN_UP(n, 64u));
		if (!t->table) {
			table_first(t);
			files_put(t);
			return NULL;
		}
		spin_lock(&old->lock);
	}
	for (unsigned fd = 0; fd < n; fd++) {
		struct file *f = rcu_dereference(from->fd[fd]);

		if (!f || fd >= max_fd)
			continue;
		file_get(f);
		t->table->fd[fd] = f;
		bit_set(t->table->open, fd);
		if (bit_test(from->cloexec, fd))
			bit_set(t->table->cloexec, fd);
	}
	t->next = 0;
	spin_unlock(&old->lock);
	return t;
}

void files_get(struct files *t) { ref_get(&t->refs); }

static void files_free_rcu(struct rcu_head *h)
{
	kfree(container_of(h, struct files, first.rcu));
}

static void file_close(struct file *f, struct files *owner)
{
	if (f->ops && f->ops->flush && !(f->mode & FMODE_PATH))
		(void)f->ops->flush(f);
	if (!(f->mode & FMODE_PATH))
		locks_remove_posix(f, owner);
	file_put(f);
}

void files_put(struct files *t)
{
	struct fdtable *ft;

	if (!ref_put(&t->refs))
		return;
	ft = t->table;
	for (unsigned fd = 0; fd < ft->max; fd++)
		if (ft->fd[fd])
			file_close(ft->fd[fd], t);
	/* fd_get_task() may be looking. */
	if (ft != &t->first)
		rcu_call(&ft->rcu, table_free_rcu);
	rcu_call(&t->first.rcu, files_free_rcu);
}

void files_close_on_exec(struct files *t)
{
	spin_lock(&t->lock);
	for (unsigned w = 0; w < t->table->max / 64; w++)
		while (t->table->cloexec[w] & t->table->open[w]) {
			unsigned fd = w * 64 + (unsigned)__builtin_ctzll(t->table->cloexec[w] & t->table->open[w]);
			struct file *f = rcu_dereference(t->table->fd[fd]);

			bit_clear(t->table->cloexec, fd);
			if (!f)
				continue;
			rcu_assign(t->table->fd[fd], NULL);
			bit_clear(t->table->open, fd);
			t->next = MIN(t->next, fd);
			spin_unlock(&t->lock);
			file_close(f, t);
			spin_lock(&t->lock);
		}
	spin_unlock(&t->lock);
}

/* Another task's table may be let go of at any moment: its memory outlives a grace period. */
static struct files *task_files_get(struct task *t)
{
	struct files *ft;

	rcu_read_lock();
	ft = rcu_dereference(t->files);
	if (ft && !ref_get_unless_zero(&ft->refs))
		ft = NULL;
	rcu_read_unlock();
	return ft;
}

static struct file *files_lookup(struct files *t, unsigned fd)
{
	struct file *f;

	rcu_read_lock();
	for (;;) {
		struct fdtable *ft = rcu_dereference(t->table);

		f = fd < ft->max ? rcu_dereference(ft->fd[fd]) : NULL;
		if (!f)
			break;
		if (ref_get_unless_zero(&f->refs)) {
			/* Closed and its memory reused for another open meanwhile? */
			if (rcu_dereference(rcu_dereference(t->table)->fd[fd]) == f)
				break;
			rcu_read_unlock();
			file_put(f);
			rcu_read_lock();
		}
	}
	rcu_read_unlock();
	return f;
}

struct file *fd_get_any(int fd)
{
	return fd < 0 || !current->files ? NULL : files_lookup(current->files, (unsigned)fd);
}

struct file *fd_get(int fd)
{
	struct file *f = fd_get_any(fd);

	if (f && unlikely(f->mode & FMODE_PATH)) {
		file_put(f);
		return NULL;
	}
	return f;
}

struct file *fd_get_task(struct task *t, int fd)
{
	struct files *ft = task_files_get(t);
	struct file *f;

	if (!ft)
		return NULL;
	f = fd < 0 ? NULL : files_lookup(ft, (unsigned)fd);
	files_put(ft);
	return f;
}

unsigned files_room(void)
{
	unsigned n;

	rcu_read_lock();
	n = rcu_dereference(current->files->table)->max;
	rcu_read_unlock();
	return n;
}

unsigned files_max(struct task *t)
{
	struct files *ft = task_files_get(t);
	unsigned n;

	if (!ft)
		return 0;
	spin_lock(&ft->lock);
	for (n = ft->table->max; n > 0 && !ft->table->open[(n - 1) / 64]; n = ALIGN_DOWN(n - 1, 64u))
		;
	while (n > 0 && !bit_test(ft->table->open, n - 1))
		n--;
	spin_unlock(&ft->lock);
	files_put(ft);
	return n;
}

int fd_reserve(unsigned min, unsigned o_flags)
{
	struct files *t = current->files;
	uint64_t limit = rlimit_get(RLIMIT_NOFILE);
	unsigned fd;
	int err;

	spin_lock(&t->lock);
	for (;;) {
		struct fdtable *ft = t->table;

		fd = MAX(min, t->next);
		fd = (unsigned)bitmap_find_clear(ft->open, ft->max, MIN(fd, ft->max));
		fd = MAX(fd, min);
		if (fd >= limit) {
			err = -EMFILE;
			break;
		}
		if (fd >= ft->max) {
			err = files_grow(t, fd);
			if (err)
				break;
			continue;	/* the lock was dropped */
		}
		bit_set(ft->open, fd);
		if (o_flags & O_CLOEXEC)
			bit_set(ft->cloexec, fd);
		else
			bit_clear(ft->cloexec, fd);
		if (min <= t->next)
			t->next = fd + 1;
		err = (int)fd;
		break;
	}
	spin_unlock(&t->lock);
	return err;
}

static void install(struct fdtable *ft, int fd, struct file *f)
{
	BUG_ON(READ_ONCE(ft->fd[fd]));
	rcu_assign(ft->fd[fd], f);
}

void fd_install(int fd, struct file *f)
{
	struct files *t = current->files;
	bool growing;

	rcu_read_lock();
	growing = load_acquire(&t->growing);
	if (likely(!growing))
		install(rcu_dereference(t->table), fd, f);
	rcu_read_unlock();
	if (unlikely(growing)) {
		spin_lock(&t->lock);
		install(t->table, fd, f);
		spin_unlock(&t->lock);
	}
}

static void fd_free_locked(struct files *t, unsigned fd)
{
	bit_clear(t->table->open, fd);
	bit_clear(t->table->cloexec, fd);
	t->next = MIN(t->next, fd);
}

void fd_unreserve(int fd)
{
	struct files *t = current->files;

	spin_lock(&t->lock);
	fd_free_locked(t, (unsigned)fd);
	spin_unlock(&t->lock);
}

int fd_reserve_pair(uaddr_t fds, unsigned o_flags, int32_t fd[2])
{
	int err = fd[0] = fd_reserve(0, o_flags);

	if (err < 0)
		return err;
	err = fd[1] = fd_reserve(0, o_flags);
	if (err >= 0) {
		err = copy_to_user(fds, fd, 2 * sizeof(fd[0]));
		if (!err)
			return 0;
		fd_unreserve(fd[1]);
	}
	fd_unreserve(fd[0]);
	return err;
}

int fd_dup_at(struct file *f, unsigned min, unsigned o_flags)
{
	int fd = fd_reserve(min, o_flags);

	if (fd >= 0)
		fd_install(fd, f);
	return fd;
}

int fd_add(struct file *f, unsigned o_flags)
{
	return fd_dup_at(f, 0, o_flags);
}

int fd_close(int fd)
{
	struct files *t = current->files;
	struct file *f = NULL;
	int err = 0;

	spin_lock(&t->lock);
	if (fd >= 0 && (unsigned)fd < t->table->max)
		f = rcu_dereference(t->table->fd[fd]);
	if (f) {
		rcu_assign(t->table->fd[fd], NULL);
		fd_free_locked(t, (unsigned)fd);
	}
	spin_unlock(&t->lock);
	if (!f)
		return -EBADF;
	if (f->ops && f->ops->flush && !(f->mode & FMODE_PATH))
		err = f->ops->flush(f);
	if (!(f->mode & FMODE_PATH))
		locks_remove_posix(f, t);
	file_put(f);
	return err;
}

int fd_replace(int fd, struct file *f, unsigned o_flags)
{
	struct files *t = current->files;
	struct file *old;
	int err = 0;

	if (fd < 0 || (uint64_t)fd >= rlimit_get(RLIMIT_NOFILE))
		return -EBADF;
	spin_lock(&t->lock);
	while ((unsigned)fd >= t->table->max && !err)
		err = files_grow(t, (unsigned)fd);
	if (err) {
		spin_unlock(&t->lock);
		return err;
	}
	old = rcu_dereference(t->table->fd[fd]);
	/* Reserved by an open that has not finished in another thread. */
	if (!old && bit_test(t->table->open, (unsigned)fd)) {
		spin_unlock(&t->lock);
		return -EBUSY;
	}
	file_get(f);
	bit_set(t->table->open, (unsigned)fd);
	if (o_flags & O_CLOEXEC)
		bit_set(t->table->cloexec, (unsigned)fd);
	else
		bit_clear(t->table->cloexec, (unsigned)fd);
	rcu_assign(t->table->fd[fd], f);
	spin_unlock(&t->lock);
	if (old)
		file_close(old, t);
	return fd;
}

bool fd_cloexec(int fd, bool *out)
{
	struct files *t = current->files;
	bool ok;

	spin_lock(&t->lock);
	ok = fd >= 0 && (unsigned)fd < t->table->max && rcu_dereference(t->table->fd[fd]);
	if (ok)
		*out = bit_test(t->table->cloexec, (unsigned)fd);
	spin_unlock(&t->lock);
	return ok;
}

int fd_set_cloexec(int fd, bool on)
{
	struct files *t = current->files;
	bool ok;

	spin_lock(&t->lock);
	ok = fd >= 0 && (unsigned)fd < t->table->max && rcu_dereference(t->table->fd[fd]);
	if (ok && on)
		bit_set(t->table->cloexec, (unsigned)fd);
	else if (ok)
		bit_clear(t->table->cloexec, (unsigned)fd);
	spin_unlock(&t->lock);
	return ok ? 0 : -EBADF;
}

int fd_close_range(unsigned first, unsigned last, bool cloexec_only, bool unshare)
{
	struct files *t = current->files;
	unsigned max;

	if (unshare && ref_read(&t->refs) > 1) {
		/* What will be closed at once need not be copied when it is the tail. */
		struct files *n = files_copy(t, last == ~0u && !cloexec_only ? first : ~0u);

		if (!n)
			return -ENOMEM;
		rcu_assign(current->files, n);
		files_put(t);
		t = n;
	}
	spin_lock(&t->lock);
	max = t->table->max;
	for (unsigned fd = first; fd <= last && fd < max; fd++) {
		struct file *f = rcu_dereference(t->table->fd[fd]);

		if (!f)
			continue;
		if (cloexec_only) {
			bit_set(t->table->cloexec, fd);
			continue;
		}
		rcu_assign(t->table->fd[fd], NULL);
		fd_free_locked(t, fd);
		spin_unlock(&t->lock);
		file_close(f, t);
		spin_lock(&t->lock);
	}
	spin_unlock(&t->lock);
	return 0;
}

bool fd_refers_to(int fd, const struct file *f)
{
	struct files *t = current->files;
	bool same;

	spin_lock(&t->lock);	/* whoever takes it out afterwards sees what the caller has done before */
	same = fd >= 0 && (unsigned)fd < t->table->max && rcu_dereference(t->table->fd[fd]) == f;
	spin_unlock(&t->lock);
	return same;
}

bool files_shared(const struct files *t)
{
	return ref_read(&t->refs) > 1;
}

bool fd_is_cloexec(int fd)
{
	bool on = false;

	return fd_cloexec(fd, &on) && on;
}
